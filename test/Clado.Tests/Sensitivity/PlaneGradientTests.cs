using Clado.Gradients.Rules;
using Clado.Sensitivity;
using CsCheck;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Gradients by the weights between two channels, against their definition.</summary>
public class PlaneGradientTests
{
    private static readonly Gen<(int Kernel, int Stride, int Dilation, int Begin, int End, int Extra)> Axes = Gen.Select(
        Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[1, 2], Gen.Int[0, 2], Gen.Int[0, 2], Gen.Int[0, 60]);

    [Fact]
    public void ItIsTheSumOverPlaces() => Gen.Select(Axes, Axes, Gen.Int[1, 6], Gen.Int).Sample((down, right, gradients, seed) =>
    {
        static int Size((int Kernel, int Stride, int Dilation, int Begin, int End, int Extra) axis) =>
            Math.Max(1, ((axis.Kernel - 1) * axis.Dilation) + 1 - axis.Begin - axis.End) + axis.Extra;

        static int Places((int Kernel, int Stride, int Dilation, int Begin, int End, int Extra) axis) =>
            ((Size(axis) + axis.Begin + axis.End - ((axis.Kernel - 1) * axis.Dilation) - 1) / axis.Stride) + 1;

        var (height, width, rows, columns) = (Size(down), Size(right), Places(down), Places(right));
        var plan = new PlaneGradient(
            new Window(
                [down.Kernel, right.Kernel], [down.Stride, right.Stride], [down.Dilation, right.Dilation], [down.Begin, right.Begin],
                [down.End, right.End], [rows, columns]), height, width);
        var random = new Random(seed);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
        var image = new float[plan.ImageLength];
        var laid = new float[gradients * plan.GradientLength];
        var sums = new float[gradients * plan.Weights];
        // Another channel first: what is laid out before leaves nothing.
        float[] x = [];
        float[][] g = [];
        for (int channel = 0; channel < 2; channel++)
        {
            x = Values(height * width);
            g = [.. Enumerable.Range(0, gradients).Select(_ => Values(rows * columns))];
            plan.LayImage(x, image);
            for (int i = 0; i < gradients; i++)
            {
                plan.LayGradient(g[i], laid.AsSpan(i * plan.GradientLength, plan.GradientLength));
            }
        }
        plan.Add(image, laid, sums);
        for (int n = 0; n < sums.Length; n++)
        {
            var (i, j) = (n % plan.Weights / right.Kernel, n % right.Kernel);
            double sum = 0;
            for (int place = 0; place < rows * columns; place++)
            {
                int y = (place / columns * down.Stride) + (i * down.Dilation) - down.Begin;
                int z = (place % columns * right.Stride) + (j * right.Dilation) - right.Begin;
                if (y >= 0 && y < height && z >= 0 && z < width)
                {
                    sum += (double)x[(y * width) + z] * g[n / plan.Weights][place];
                }
            }
            Assert.Equal(sum, sums[n], 1e-4);
        }
    }, iter: 300);
}
