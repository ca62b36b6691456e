using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Layers;

namespace Clado.Metrics;

/// <summary>
/// BRECQ: the second-order error of blocks. What rounding changes of a block's output y is weighed by the squared gradients there, the
/// diagonal of the Fisher information: <c>½ mean over x of Σ_k (∂ℓ/∂y_k)² Δy_k²</c>, with the float network in front of the block
/// (arXiv 2102.05426: the block-wise objective that its reconstruction minimises, and the sensitivity that its search for bits looks up).
/// <para>
/// Deviations. Layers of one block interact by <c>Σ_k (∂ℓ/∂y_k)² Δy_ak Δy_bk</c>, with what each changes alone; the paper measures pairs at
/// 2 bits only. Blocks are found from the graph: stretches between places where one tensor is all that lives. Nothing is reconstructed.
/// The loss is cross-entropy where images have labels; else gradients go back from drawn vectors whose mean outer product is the curvature
/// of the run's loss. Of 32 images.
/// </para>
/// </summary>
internal sealed class BrecqMetric : IMetric
{
    internal const int Images = 32;

    public string Name => "brecq";

    public string Description => "errors of blocks' outputs, weighed by squared gradients";

    public string Source => "BRECQ, arXiv 2102.05426: Δyᵀ diag((∂ℓ/∂y)²) Δy of blocks";

    public MetricNeeds Needs => MetricNeeds.Images | MetricNeeds.Gradients;

    public double ExpectedPasses(MetricContext context)
    {
        int all = context.Inputs.Work.Images.Items.Count;
        return Ends(context).Index().GroupBy(end => end.Item, end => end.Index)
            .Sum(block => Passes(context, block.Key, context.LayerOf.Count(layer => block.Contains(layer)))) * Math.Min(Images, all) / all;
    }

    public MetricScores Measure(MetricContext context)
    {
        var images = context.Images(Images);
        int n = context.Candidates.Count;
        var matrix = new double[n * n];
        var blocks = Ends(context).Index().GroupBy(end => end.Item, end => end.Index).ToArray();
        foreach (var (index, block) in blocks.Index())
        {
            int[] layers = [.. block], rows = [.. Enumerable.Range(0, n).Where(row => layers.Contains(context.LayerOf[row]))];
            double[] sums = Measure(context, block.Key, rows, images);
            for (int i = 0; i < sums.Length; i++)
            {
                matrix[(rows[i / rows.Length] * n) + rows[i % rows.Length]] = sums[i] / images.Count;
            }
            context.Report((index + 1.0) / blocks.Length);
        }
        // Of one layer one candidate is chosen: none interacts with another of its own.
        for (int i = 0; i < matrix.Length; i++)
        {
            matrix[i] = i / n != i % n && context.LayerOf[i / n] == context.LayerOf[i % n] ? 0 : matrix[i];
        }
        return MetricScores.OfMatrix(matrix);
    }

    /// <summary>Sums over images of what candidates of a block come to, and their pairs. Shape: [rows²].</summary>
    private static double[] Measure(MetricContext context, string end, int[] rows, IReadOnlyList<ImageBatch> images)
    {
        using var gradients = new WeightGradients(context, [], context.TrainingLoss, [end]);
        using var floats = Until(context.Graph, end);
        using var rounded = new OwnedList<GraphSession>(rows.Select(row =>
            Until(FakeQuantizedGraph.Of(context.Graph, [context.Candidates[row]]), end)));
        var found = new double[images.Count][];
        context.Inputs.Work.SideBySide.For(images.Count, image =>
        {
            float[] slope = gradients.Of(images[image], [], context.HasLabels ? null : new Random(image))[0];
            float[] before = Output(floats, images[image]);
            float[][] changes = [.. rounded.Select(session => Output(session, images[image]))];
            foreach (float[] change in changes)
            {
                for (int k = 0; k < change.Length; k++)
                {
                    change[k] = slope[k] * (change[k] - before[k]);
                }
            }
            found[image] = Products(changes);
        });
        context.Count(Passes(context, end, rows.Length), images.Count);
        var sums = new double[rows.Length * rows.Length];
        foreach (double[] own in found)
        {
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += own[i];
            }
        }
        return sums;
    }

    /// <summary>
    /// Full passes an image that a block takes: forward, back to its end, and to its end for the float network and every candidate.
    /// </summary>
    private static double Passes(MetricContext context, string end, int candidates)
    {
        var nodes = context.Graph.Walk.Behind([end], context.Graph.Inputs.Names.ToHashSet()).ToHashSet();
        long macs = context.Cuts.Layers.Where(layer => layer.Nodes.Any(nodes.Contains)).Sum(layer => layer.Macs);
        double until = macs / (double)Math.Max(1, context.Cuts.Macs);
        return 1 + (1 - until) + (until * (candidates + 1));
    }

    /// <summary>Scalar products of all pairs. Shape: [rows²].</summary>
    private static double[] Products(float[][] changes)
    {
        int n = changes.Length;
        var products = new double[n * n];
        for (int a = 0; a < n; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double sum = 0;
                for (int k = 0; k < changes[a].Length; k++)
                {
                    sum += (double)changes[a][k] * changes[b][k];
                }
                products[(a * n) + b] = products[(b * n) + a] = sum;
            }
        }
        return products;
    }

    /// <summary>Where each layer's block ends; what has no end before the outputs ends there. Shape: [layers].</summary>
    private static string[] Ends(MetricContext context) =>
        [.. Blocks.EndsOf(context.Graph, context.Cuts.Layers).Select(end => end ?? context.Readout.Outputs[0])];

    private static GraphSession Until(Graph graph, string end) => new(GraphPart.Extract(graph, graph.Inputs.Names, [end]), graph.File);

    private static float[] Output(GraphSession session, ImageBatch image)
    {
        using var feed = image.Feed();
        using var values = session.Run(feed);
        return values[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
