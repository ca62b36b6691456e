using Clado.Graphs;
using Clado.Images;

namespace Clado.Losses;

/// <summary>Makes the loss of a batch, after checking that network and images have what it needs.</summary>
internal sealed class LossFactory
{
    private readonly LossKind kind;
    private readonly Readout readout;
    private readonly double[] weights = [];

    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <param name="name">Name of the loss; null to choose by the network.</param>
    /// <param name="scales">Units of the outputs; null where the loss needs none. Shape: [outputs].</param>
    /// <exception cref="CladoException">Network, images or scales do not fit the loss.</exception>
    public LossFactory(Graph graph, Readout readout, ImageSet images, string? name, IReadOnlyList<OutputScale>? scales)
    {
        (kind, this.readout) = (LossKind.Of(readout, name), readout);
        kind.Check(graph, readout, images);
        if (kind.NeedsScales)
        {
            ArgumentNullException.ThrowIfNull(scales);
            OutputScale.CheckFit(graph, readout, scales);
            weights = SquaredLoss.Weights(scales);
        }
    }

    /// <summary>Name of the loss.</summary>
    public string Name => kind.Name;

    /// <summary>Whether the float network is not where it is least: small changes may gain.</summary>
    public bool HasSlope => kind.NeedsLabels;

    /// <summary>Whether the answer to an image is one distribution over classes, and the loss is one of classes.</summary>
    public bool IsOfOneDistribution => kind.NeedsClasses && readout.IsClassifier && readout.Classes is [{ IsExclusive: true }];

    /// <summary>Makes the loss of a batch.</summary>
    /// <param name="floatOutputs">z0. Shape: [images · elements].</param>
    /// <param name="outputs">z: outputs where the measurement stands. Shape: [images · elements].</param>
    /// <param name="batch">The images.</param>
    public OutputLoss Create(float[] floatOutputs, float[] outputs, ImageBatch batch) =>
        kind.Create(new LossInputs(floatOutputs, outputs, readout, batch.Labels, weights));
}
