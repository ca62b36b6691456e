using Clado.Graphs;

namespace Clado.Images;

/// <summary>Some images as a network takes them.</summary>
/// <param name="Index">Position among the set's batches.</param>
/// <param name="Inputs">The network's inputs.</param>
/// <param name="Pixels">Input values; of a network that takes bytes, what is rounded to them. Shape: [images, …input].</param>
/// <param name="Shape">Shape of the input tensor. Shape: [4].</param>
/// <param name="Items">Where they come from; empty where they are random numbers. Shape: [images].</param>
/// <param name="Labels">Class indices, or null where the set has none. Shape: [images].</param>
internal sealed record ImageBatch(
    int Index, GraphInputs Inputs, float[] Pixels, long[] Shape, IReadOnlyList<ImageItem> Items, int[]? Labels)
{
    public int Count => (int)Shape[0];

    /// <summary>What errors call an image.</summary>
    /// <param name="image">Position in the batch. Range: [0, images).</param>
    public string NameOf(int image) => Items.Count > 0 ? $"the image {Items[image].Path}" : "random numbers";

    /// <summary>One image of the batch, as a batch of its own.</summary>
    /// <param name="image">Position in the batch. Range: [0, images).</param>
    public ImageBatch Single(int image) => Part(image, 1);

    /// <summary>Some images of the batch, as a batch of their own.</summary>
    /// <param name="first">Position of the first. Range: [0, images).</param>
    /// <param name="count">How many. Range: [1, images].</param>
    public ImageBatch Part(int first, int count)
    {
        int elements = Pixels.Length / Count;
        return this with
        {
            Pixels = Pixels[(first * elements)..((first + count) * elements)],
            Shape = [count, .. Shape.Skip(1)],
            Items = [.. Items.Skip(first).Take(count)],
            Labels = Labels is null ? null : Labels[first..(first + count)],
        };
    }

    /// <summary>The values of all inputs; the caller disposes them.</summary>
    public InputFeed Feed() => Feed(Inputs);

    /// <summary>The values of all inputs of another network, whose image has the same shape; the caller disposes them.</summary>
    public InputFeed Feed(GraphInputs inputs) => inputs.Feed(Pixels, Shape);
}

/// <summary>An image set in batches. Each is decoded when it is asked for: memory does not grow with the number of images.</summary>
internal sealed class ImageBatches
{
    private readonly ImageSet images;
    private readonly Preprocessing preprocessing;
    private readonly ImageShape shape;
    private readonly GraphInputs inputs;

    public ImageBatches(ImageSet images, Graph graph, Preprocessing preprocessing, int batchSize)
    {
        (this.images, this.preprocessing, inputs) = (images, preprocessing.For(graph.Inputs.TakesBytes), graph.Inputs);
        BatchSize = graph.HasFreeBatch ? batchSize : 1;
        shape = ImageShape.Of(graph, this.preprocessing);
    }

    /// <summary>Decodes every image once, so that one that cannot be used is found before anything is done with the others.</summary>
    /// <param name="graph">The network that they are for.</param>
    /// <param name="work">The images; stops between two of them.</param>
    /// <exception cref="CladoException">An image cannot be used. The message names the first one and says why.</exception>
    public static void Check(Graph graph, Workload work)
    {
        var (images, single) = (work.Images, work.Batches(graph, 1));
        var broken = new CladoException?[images.Items.Count];
        int done = 0;
        work.SideBySide.For(images.Items.Count, index =>
        {
            try
            {
                single.Load(index);
            }
            catch (CladoException e)
            {
                broken[index] = e;
            }
            work.Progress?.Report((double)Interlocked.Increment(ref done) / images.Items.Count);
        });
        if (broken.FirstOrDefault(e => e is not null) is { } first)
        {
            throw first;
        }
    }

    /// <summary>Images in each batch but the last; 1 where the model fixes its batch.</summary>
    public int BatchSize { get; }

    /// <summary>Number of batches.</summary>
    public int Count => (images.Items.Count + BatchSize - 1) / BatchSize;

    /// <summary>Images in a batch.</summary>
    public int CountOf(int index) => Math.Min(BatchSize, images.Items.Count - (index * BatchSize));

    /// <summary>Decodes a batch.</summary>
    public ImageBatch Load(int index)
    {
        var items = ItemsOf(index);
        var pixels = new float[(long)items.Length * shape.ElementCount];
        for (int i = 0; i < items.Length; i++)
        {
            ImageReader.Read(
                items[i].Path, shape, preprocessing, pixels.AsSpan(i * shape.ElementCount, shape.ElementCount), images.Decoded);
            if (items[i].Motion is { } seed)
            {
                var own = pixels.AsSpan(i * shape.ElementCount, shape.ElementCount);
                ImageMotion.Draw(new Random(seed), shape).Move(shape, own.ToArray(), own);
            }
        }
        return Of(index, pixels);
    }

    /// <summary>A batch that was decoded before, here or elsewhere.</summary>
    /// <param name="index">Position among the set's batches. Range: [0, batches).</param>
    /// <param name="pixels">Input values. Shape: [images, …input].</param>
    public ImageBatch Of(int index, float[] pixels)
    {
        var items = ItemsOf(index);
        long[] dims = shape.Layout == ChannelLayout.Nchw
            ? [items.Length, shape.Channels, shape.Height, shape.Width]
            : [items.Length, shape.Height, shape.Width, shape.Channels];
        return new ImageBatch(index, inputs, pixels, dims, items, images.IsLabelled ? [.. items.Select(i => i.Label!.Value)] : null);
    }
    private ImageItem[] ItemsOf(int index) => [.. images.Items.Skip(index * BatchSize).Take(BatchSize)];
}
