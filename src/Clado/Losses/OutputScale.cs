using System.Text.Json.Serialization;
using Clado.Graphs;
using static System.FormattableString;

namespace Clado.Losses;

/// <summary>The units in which errors of an output are measured: what the images change in it, part by part.</summary>
public sealed record OutputScale
{
    /// <summary>Brings an output's parts and their variances together.</summary>
    /// <param name="output">Name of the output.</param>
    /// <param name="parts">What it consists of.</param>
    /// <param name="variances">Variance of each part. Shape: [parts]. Range: (0, inf).</param>
    [JsonConstructor]
    internal OutputScale(string output, OutputParts parts, IReadOnlyList<double> variances) =>
        (Output, Parts, Variances) = (output, parts, [.. variances]);

    /// <summary>Name of the output.</summary>
    public string Output { get; }

    /// <summary>What it consists of, in words.</summary>
    [JsonIgnore]
    public string Layout => Parts.Summary;

    /// <summary>Variance of each part over the images. Shape: [parts]. Range: (0, inf).</summary>
    public IReadOnlyList<double> Variances { get; }

    /// <summary>What it consists of.</summary>
    [JsonInclude]
    internal OutputParts Parts { get; }

    /// <summary>Whether the parts fit the shape and every part has a variance above 0: a file may say anything.</summary>
    internal bool IsConsistent =>
        Parts.IsConsistent && Parts.Count == Variances.Count && Variances.All(v => double.IsFinite(v) && v > 0);

    /// <summary>Checks that scales are of a network's outputs, as far as sizes tell.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="scales">The scales. Shape: [outputs].</param>
    /// <exception cref="CladoException">They are of others.</exception>
    internal static void CheckFit(Graph graph, Readout readout, IReadOnlyList<OutputScale> scales)
    {
        if (!scales.Select(scale => scale.Parts.ElementCount).SequenceEqual(readout.ElementCounts))
        {
            long count = scales.Sum(scale => (long)scale.Parts.ElementCount);
            throw new CladoException(
                $"{Path.GetFileName(graph.File)}: the outputs have "
                + Invariant($"{readout.ElementCount:N0} values an image, their scales {count:N0}, or in another order; ")
                + "those are of another model, measure again in another folder");
        }
    }
}
