namespace Clado.Metrics;

/// <summary>
/// CSMPQ: layers whose feature maps tell classes apart less get fewer bits. Feature maps are looked at as texts are: channels are words,
/// classes are documents, and TF-IDF says how much a channel is a class's own (arXiv 2212.10220: class separability by TF-IDF, and the
/// linear program over bits).
/// <para>
/// As built: <c>a_ck</c> is the mean size of channel k's outputs over places and the images of class c. Then
/// <c>TF_ck = a_ck / Σ_k a_ck</c>, <c>IDF_k = log(C / d_k)</c> with d_k the number of the C classes in which the channel is above its mean
/// over the classes, at least 1, and a layer's separability is <c>s_i = mean over c of Σ_k TF_ck IDF_k</c>; <c>Σ s_i b_i</c> is maximised.
/// </para>
/// <para>
/// Deviations. The paper's abstract names metric and program; how it counts terms is our reading, as above. Where images have no labels,
/// the float network's own answers are the classes. Of 256 images. The candidates' errors are not looked at.
/// </para>
/// </summary>
internal sealed class CsmpqMetric : IMetric
{
    internal const int Images = 256;

    public string Name => "csmpq";

    public string Description => "layers whose feature maps tell classes apart less get fewer bits (TF-IDF)";

    public string Source => "CSMPQ, arXiv 2212.10220: maximise Σ s b, s by TF-IDF of channels in classes";

    public MetricNeeds Needs => MetricNeeds.Images;

    public MetricScores Measure(MetricContext context) => BitWorth.Scores(context, Separability(context));

    /// <summary>Separability of every layer. Shape: [layers].</summary>
    internal static double[] Separability(MetricContext context)
    {
        var images = context.Images(Images);
        int[] classes = ImageClasses.Of(context, images);
        var found = new double[context.Layers.Count];
        LayerOutputs.ForEach(context, images, (layer, outputs) =>
        {
            double[][] channels = [.. outputs.Select(own => ChannelMeans(context, layer, own))];
            double[][] documents = [.. channels.Index().GroupBy(own => classes[own.Index]).OrderBy(own => own.Key)
                .Select(own => own.Select(image => image.Item).Aggregate((sum, next) => [.. sum.Zip(next, (a, b) => a + b)])
                    .Select(sum => sum / own.Count()).ToArray())];
            found[layer] = TermFrequencies(documents);
        });
        return found;
    }

    /// <summary>Mean over documents of Σ TF · IDF. Shape of the documents: [classes][channels].</summary>
    internal static double TermFrequencies(double[][] documents)
    {
        int channels = documents[0].Length;
        double[] weights = [.. Enumerable.Range(0, channels).Select(k =>
        {
            double mean = documents.Average(own => own[k]);
            return Math.Log((double)documents.Length / Math.Max(1, documents.Count(own => own[k] > mean)));
        })];
        return documents.Average(own => own.Sum() is > 0 and var all ? own.Zip(weights, (term, weight) => term / all * weight).Sum() : 0);
    }

    /// <summary>
    /// Mean size of an image's outputs, channel by channel; of outputs without channels, each by itself. Shape: [channels].
    /// </summary>
    private static double[] ChannelMeans(MetricContext context, int layer, float[] output)
    {
        var info = LayerOutputs.Info(context, context.Layers[layer]);
        if (LayerOutputs.ChannelAxis(context, context.Layers[layer]) is not { } axis || axis >= info.Shape.Count)
        {
            return [.. output.Select(value => (double)Math.Abs(value))];
        }
        long channels = info.Shape[axis], stride = info.Shape.Skip(axis + 1).Aggregate(1L, (product, dim) => product * dim);
        var sums = new double[channels];
        for (int i = 0; i < output.Length; i++)
        {
            sums[i / stride % channels] += Math.Abs(output[i]) * (double)channels / output.Length;
        }
        return sums;
    }
}
