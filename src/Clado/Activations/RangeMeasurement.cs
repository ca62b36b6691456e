using Clado.Execution;
using Clado.Graphs;
using Clado.Images;

namespace Clado.Activations;

/// <summary>Finds the grids of activations by running a network on calibration images.</summary>
internal static class RangeMeasurement
{
    private const long FastBatchBytes = 64L << 20;
    private const int LargestBatch = 32;

    /// <summary>Measures.</summary>
    /// <param name="graph">The network, its weights as they will be written.</param>
    /// <param name="plan">Which tensors get a grid.</param>
    /// <param name="method">How an interval is chosen for what was seen.</param>
    /// <param name="work">Calibration images.</param>
    /// <exception cref="CladoException">An activation is NaN or infinite.</exception>
    public static ActivationRanges Measure(Graph graph, ActivationPlan plan, RangeMethod method, Workload work)
    {
        var rule = RangeRule.Of(method);
        return ActivationRanges.Of(Look(graph, plan, rule.NeedsCounts, work).Select(rule.Interval));
    }

    /// <summary>Looks at the values of every range.</summary>
    /// <param name="graph">The network, its weights as they will be written.</param>
    /// <param name="plan">Which tensors get a grid.</param>
    /// <param name="counts">Whether values are counted; else extremes are all that is known.</param>
    /// <param name="work">Calibration images.</param>
    /// <returns>Shape: [ranges].</returns>
    /// <exception cref="CladoException">An activation is NaN or infinite.</exception>
    public static IReadOnlyList<ActivationHistogram> Look(Graph graph, ActivationPlan plan, bool counts, Workload work)
    {
        var names = plan.Ranges;
        string[] taps = [.. names.Where(name => !graph.Inputs.Names.Contains(name))];
        if (names.Count == 0)
        {
            return [];
        }
        long elements = Math.Max(1, names.Sum(name => graph.Tensors[name].ElementCount));
        var batches = work.Batches(graph, (int)Math.Clamp(FastBatchBytes / (sizeof(float) * elements), 1, LargestBatch));
        using var session = taps.Length == 0 ? null : new GraphSession(GraphPart.Extract(graph, graph.Inputs.Names, taps), graph.File);
        var seen = names.ToDictionary(name => name, _ => new ActivationHistogram(counts));
        int done = 0;
        work.SideBySide.For(batches.Count, index =>
        {
            using var feed = batches.Load(index).Feed();
            foreach (var (name, value) in feed)
            {
                seen.GetValueOrDefault(name)?.Add(value.GetTensorDataAsSpan<float>());
            }
            if (session is not null)
            {
                using var values = session.Run(feed);
                foreach (var (name, value) in session.Outputs.Zip(values))
                {
                    seen.GetValueOrDefault(name)?.Add(value.GetTensorDataAsSpan<float>());
                }
            }
            work.Progress?.Report((double)Interlocked.Increment(ref done) / batches.Count);
        });
        if (seen.FirstOrDefault(own => !own.Value.IsFinite).Key is { } broken)
        {
            throw new CladoException($"{Path.GetFileName(graph.File)}: activation '{broken}' is NaN or infinite on the calibration images; "
                + $"check {Settings.Preprocessing}, or use {Settings.Activations} float");
        }
        return [.. names.Select(name => seen[name])];
    }
}
