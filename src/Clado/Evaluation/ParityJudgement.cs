using Clado.Graphs;

namespace Clado.Evaluation;

/// <summary>
/// Says of each part of each output how far a file is from its simulation, and how far rounding may drive it
/// (docs/numerics.md, "Parity").
/// </summary>
/// <param name="name">What errors call the file.</param>
/// <param name="readout">Where outputs are read.</param>
/// <param name="layouts">Parts of each output. Shape: [outputs].</param>
/// <param name="batches">What the batches show. Shape: [batches].</param>
internal sealed class ParityJudgement(
    string name, Readout readout, IReadOnlyList<PartLayout> layouts, IReadOnlyList<BatchParity> batches)
{
    // What sums of thousands of products in single precision lose, as a share of the part's largest value.
    private const double FloatRounding = 1.0 / (1 << 14);

    // Whatever comes out of one sum with larger values shares their rounding: a few units of single precision of the output's largest.
    private const double SharedRounding = 1.0 / (1 << 20);

    // The simulation's move is one sample of many; the file's is another.
    private const double Margin = 2;

    /// <summary>Judges.</summary>
    /// <param name="onImages">Whether the inputs were images.</param>
    /// <exception cref="CladoException">All of a part is NaN or infinite once activations are moved.</exception>
    public ParityResult Result(bool onImages)
    {
        int images = batches.Sum(b => b.Images);
        OutputParity[] outputs =
            [.. layouts.Select((layout, output) => new OutputParity(readout.Outputs[output], layout.Summary, Parts(output)))];
        double total = batches.Sum(b => b.File.Sum(parts => parts.Sum(d => d.Total)));
        double? agreement = readout.IsClassifier ? (double)batches.Sum(b => b.Agreeing) / images : null;
        return new ParityResult(images, outputs.Max(o => o.Largest), total / ((double)images * readout.ElementCount), agreement)
        {
            OnImages = onImages,
            Outputs = outputs,
        };
    }

    private PartParity[] Parts(int output)
    {
        double largest = batches.Max(b => b.Magnitudes[output].Max());
        return [.. Enumerable.Range(0, layouts[output].Count).Select(part => Part(output, part, largest))];
    }

    /// <summary>Judges a part of an output.</summary>
    /// <param name="output">The output.</param>
    /// <param name="part">The part.</param>
    /// <param name="largest">The output's largest absolute value.</param>
    private PartParity Part(int output, int part, double largest)
    {
        Difference Of(Func<BatchParity, Difference[][]> kind) => Difference.Sum(batches.Select(batch => kind(batch)[output][part]));
        var (file, near, everywhere) = (Of(b => b.File), Of(b => b.NearTies), Of(b => b.Everywhere));
        if (file.Count > 0 && (near.Count == 0 || everywhere.Count == 0))
        {
            throw Unknown(output);
        }
        double floats = Math.Max(FloatRounding * batches.Max(b => b.Magnitudes[output][part]), SharedRounding * largest);
        // In a small network a single value near a tie may be all there is.
        double single = everywhere.Largest / Math.Sqrt(Math.Max(1, file.Count));
        return new PartParity(
            part, file.Count, file.Largest, floats + (Margin * everywhere.Largest),
            file.RootMeanSquare, floats + ((Margin * near.RootMeanSquare) + single));
    }

    private CladoException Unknown(int output)
    {
        var layout = layouts[output];
        string parts = layout.Count > 1 ? $" ({layout.Summary})" : "";
        return new CladoException(
            $"{name}: not written, since all of output '{readout.Outputs[output]}'{parts} becomes NaN or infinite "
            + "where activations fall on neighbouring grid points, so nothing tells a sound file from a wrong one; "
            + $"try {Settings.Activations} float, or give the tensor in front as the output");
    }
}
