using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>
/// The definition, word for word: a rebuilt model and a full forward pass for every candidate and pair, losses from log-softmax.
/// </summary>
internal static class NaiveSensitivity
{
    // at: rows of the operating point, one a layer; empty for the float network.
    public static double[] Measure(
        Graph graph, CandidateSet candidates, ImageSet images, Preprocessing preprocessing, string loss, int[] at)
    {
        int n = candidates.Items.Count;
        var matrix = new double[n * n];
        double Loss(params int[] rows)
        {
            var others = at.Where(other => rows.All(row => candidates.LayerOf[row] != candidates.LayerOf[other]));
            return Increase(graph, [.. rows.Concat(others).Select(row => candidates.Items[row])], images, preprocessing, loss);
        }

        double start = Loss();
        var single = Enumerable.Range(0, n).Select(row => Loss(row)).ToArray();
        for (int a = 0; a < n; a++)
        {
            matrix[(a * n) + a] = 2 * (single[a] - start);
            for (int b = 0; b < n; b++)
            {
                if (candidates.LayerOf[a] != candidates.LayerOf[b])
                {
                    matrix[(a * n) + b] = Loss(a, b) - single[a] - single[b] + start;
                }
            }
        }
        return matrix;
    }

    /// <summary>L(w + Δ) − L(w).</summary>
    public static double Increase(Graph graph, Candidate[] perturbed, ImageSet images, Preprocessing preprocessing, string loss)
    {
        var batches = new ImageBatches(images, graph, preprocessing, images.Items.Count);
        var all = Enumerable.Range(0, batches.Count).Select(batches.Load).ToArray();
        float[] Run(Candidate[] changed) => [.. all.SelectMany(batch => Outputs(graph, changed, batch))];
        var (before, after) = (Run([]), Run(perturbed));
        int count = images.Items.Count, size = before.Length / count;
        double[] weights = loss == "mse" ? Weights(graph, images, before, size) : [];
        double sum = 0;
        for (int image = 0; image < count; image++)
        {
            var z0 = before.AsSpan(image * size, size).ToArray();
            var z = after.AsSpan(image * size, size).ToArray();
            sum += loss switch
            {
                "kl" => Enumerable.Range(0, size).Sum(k => Math.Exp(LogSoftmax(z0, k)) * (LogSoftmax(z0, k) - LogSoftmax(z, k))),
                "ce" => LogSoftmax(z0, images.Items[image].Label!.Value) - LogSoftmax(z, images.Items[image].Label!.Value),
                _ => Enumerable.Range(0, size).Sum(k => weights[k] * ((double)z[k] - z0[k]) * ((double)z[k] - z0[k])),
            };
        }
        return sum / count;
    }

    /// <summary>
    /// Of one output, whose parts are taken as found: 1 / (elements · mean variance over the images of the elements of the part).
    /// </summary>
    private static double[] Weights(Graph graph, ImageSet images, float[] outputs, int size)
    {
        var parts = Assert.Single(Harness.Scales(graph, images)).Parts;
        double[] variances = [.. Enumerable.Range(0, size).Select(k =>
        {
            double[] values = [.. outputs.Where((_, i) => i % size == k).Select(v => (double)v)];
            return values.Sum(v => (v - values.Average()) * (v - values.Average())) / (values.Length - 1);
        })];
        double Mean(int part) => variances.Where((_, element) => parts.Of(element) == part).Average();
        return [.. Enumerable.Range(0, size).Select(k => 1 / (size * Mean(parts.Of(k))))];
    }

    private static float[] Outputs(Graph graph, Candidate[] perturbed, ImageBatch batch)
    {
        using var session = new GraphSession(Harness.WithWeights(graph, perturbed), "naive");
        using var input = OrtValue.CreateTensorValueFromMemory(batch.Pixels, batch.Shape);
        using var outputs = session.Run(_ => input);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static double LogSoftmax(float[] z, int k) => z[k] - z.Max() - Math.Log(z.Sum(v => Math.Exp(v - z.Max())));
}
