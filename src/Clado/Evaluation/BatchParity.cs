using Clado.Graphs;
using Clado.Inference;

namespace Clado.Evaluation;

/// <summary>What a batch shows of how far a file is from its simulation.</summary>
internal sealed class BatchParity
{
    /// <summary>Compares.</summary>
    /// <param name="readout">Where outputs are read.</param>
    /// <param name="layouts">Parts of each output. Shape: [outputs].</param>
    /// <param name="images">Images of the batch.</param>
    /// <param name="outputs">What the models give.</param>
    public BatchParity(Readout readout, IReadOnlyList<PartLayout> layouts, int images, ParityOutputs outputs)
    {
        Images = images;
        (File, NearTies, Everywhere) = (Differences(outputs.File), Differences(outputs.NearTies), Differences(outputs.Everywhere));
        Magnitudes = [.. outputs.Expected.Zip(layouts, (values, layout) => layout.Magnitudes(values))];
        Agreeing = !readout.IsClassifier ? 0
            : Tally.Agreement(readout.Scores(outputs.File[0]), readout.Scores(outputs.Expected[0]), readout.ClassCount)
                .Count(agrees => agrees);

        Difference[][] Differences(float[][] actual) =>
            [.. actual.Select((values, output) => layouts[output].Differences(values, outputs.Expected[output]))];
    }

    /// <summary>Images of the batch.</summary>
    public int Images { get; }

    /// <summary>Images on which a classifier's file and simulation give the same class.</summary>
    public int Agreeing { get; }

    /// <summary>Differences of the file. Shape: [outputs][parts].</summary>
    public Difference[][] File { get; }

    /// <summary>Differences of the simulation with values near ties moved. Shape: [outputs][parts].</summary>
    public Difference[][] NearTies { get; }

    /// <summary>Differences of the simulation with all values moved. Shape: [outputs][parts].</summary>
    public Difference[][] Everywhere { get; }

    /// <summary>The largest absolute value of each part of each output. Shape: [outputs][parts].</summary>
    public double[][] Magnitudes { get; }
}
