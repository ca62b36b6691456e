using Clado.Images;
using Clado.Tests.Support;
using Clado.Tuning;
using Xunit;

namespace Clado.Tests.Tuning;

/// <summary>Images as they come to be tuned on.</summary>
public class TuningImagesTests
{
    /// <summary>Of all images that a move can make, each that comes is one; most differ from epoch to epoch.</summary>
    [Theory]
    [InlineData(ChannelLayout.Nchw)]
    [InlineData(ChannelLayout.Nhwc)]
    public void ComeMovedAndMirrored(ChannelLayout layout)
    {
        const int Side = 8, Most = 1;
        using var folder = new TemporaryFolder();
        long[] dims = layout == ChannelLayout.Nchw ? [3, Side, Side] : [Side, Side, 3];
        var graph = new NetworkBuilder(input: dims).Then("Relu", "y").BuildGraph("y");
        var work = new Workload(ImageFolder.Open(Harness.Images(folder, "images", 2)), Preprocessing.Parse("unit"));
        var images = new TuningImages(graph, work);
        Assert.Equal(16, images.Count);
        var plain = work.Batches(graph, 16).Load(0);
        int size = plain.Pixels.Length / 16, moved = 0;
        for (int epoch = 1; epoch <= 3; epoch++)
        {
            int[] order = images.Order(epoch);
            Assert.Equal(Enumerable.Range(0, 16), order.Order());
            var batch = images.Batch(epoch, order);
            Assert.Equal(batch.Pixels, images.Batch(epoch, order).Pixels);
            for (int i = 0; i < order.Length; i++)
            {
                Assert.Equal(plain.Items[order[i]], batch.Items[i]);
                Assert.Equal(plain.Labels![order[i]], batch.Labels![i]);
                var (from, to) = (plain.Pixels[(order[i] * size)..((order[i] + 1) * size)], batch.Pixels[(i * size)..((i + 1) * size)]);
                Assert.Contains(Moves(Most), move => Moved(from, layout, Side, move).SequenceEqual(to));
                moved += from.SequenceEqual(to) ? 0 : 1;
            }
        }
        Assert.InRange(moved, 36, 48);
    }

    private static IEnumerable<(bool Mirrored, int Down, int Right)> Moves(int most) =>
        from mirrored in (bool[])[false, true]
        from down in Enumerable.Range(-most, (2 * most) + 1)
        from right in Enumerable.Range(-most, (2 * most) + 1)
        select (mirrored, down, right);

    /// <summary>The slow way: a larger image with mirrored borders, of which a window is cut, of the mirrored image.</summary>
    private static float[] Moved(float[] image, ChannelLayout layout, int side, (bool Mirrored, int Down, int Right) move)
    {
        int At(int c, int y, int x) => layout == ChannelLayout.Nchw ? (((c * side) + y) * side) + x : (((y * side) + x) * 3) + c;
        int Reflect(int i) => i < 0 ? -1 - i : i >= side ? (2 * side) - 1 - i : i;
        var result = new float[image.Length];
        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < side; y++)
            {
                for (int x = 0; x < side; x++)
                {
                    int column = Reflect(x + move.Right);
                    result[At(c, y, x)] = image[At(c, Reflect(y + move.Down), move.Mirrored ? side - 1 - column : column)];
                }
            }
        }
        return result;
    }
}
