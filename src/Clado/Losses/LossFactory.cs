using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using static System.FormattableString;

namespace Clado.Losses;

/// <summary>Makes the loss of a batch, after checking that network and images have what it needs.</summary>
internal sealed class LossFactory
{
    private readonly Readout readout;
    private readonly double[] weights;

    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <param name="name">kl, ce or mse; null to choose by the network.</param>
    /// <param name="scales">Units of the outputs, which mse needs and the others do not.</param>
    public LossFactory(Graph graph, Readout readout, ImageSet images, string? name, IReadOnlyList<OutputScale>? scales)
    {
        (this.readout, Name) = (readout, NameFor(graph, readout, images, name));
        weights = [];
        if (Name == "mse")
        {
            ArgumentNullException.ThrowIfNull(scales);
            CheckScales(graph, readout, scales);
            weights = SquaredLoss.Weights(scales);
        }
    }

    /// <summary>Checks that scales are of a network's outputs, as far as sizes tell.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="scales">The scales. Shape: [outputs].</param>
    /// <exception cref="CladoException">They are of others.</exception>
    public static void CheckScales(Graph graph, Readout readout, IReadOnlyList<OutputScale> scales)
    {
        if (!scales.Select(scale => scale.Parts.ElementCount).SequenceEqual(readout.ElementCounts))
        {
            throw new CladoException(Invariant($"{Path.GetFileName(graph.File)}: the outputs have {readout.ElementCount:N0} values an image, their scales ")
                + Invariant($"{scales.Sum(scale => (long)scale.Parts.ElementCount):N0}, or in another order; those are of another model, measure again in another folder"));
        }
    }

    public string Name { get; }

    /// <summary>The loss that is measured where that one is asked for: kl, ce or mse.</summary>
    public static string NameOf(Readout readout, string? name) => name ?? (readout.IsClassifier ? "kl" : "mse");

    /// <summary>Chooses a loss and checks that network and images have what it needs.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <param name="name">kl, ce or mse; null to choose by the network.</param>
    /// <exception cref="CladoException">They have not.</exception>
    public static string NameFor(Graph graph, Readout readout, ImageSet images, string? name)
    {
        name = NameOf(readout, name);
        if (name != "mse" && !readout.IsClassifier)
        {
            throw new CladoException($"{Path.GetFileName(graph.File)}: loss '{name}' wants one output [batch, classes]; use --loss mse for this model");
        }
        if (name == "ce" && !images.IsLabelled)
        {
            throw new CladoException($"{images.Folder}: loss 'ce' wants labels; use class folders or a labels.csv, or --loss kl");
        }
        if (name == "ce")
        {
            readout.CheckLabels(images);
        }
        return name;
    }

    /// <summary>Makes the loss of a batch.</summary>
    /// <param name="floatOutputs">z0. Shape: [images · outputs].</param>
    /// <param name="outputs">z: outputs where the measurement stands. Shape: [images · outputs].</param>
    /// <param name="batch">The images.</param>
    public OutputLoss Create(float[] floatOutputs, float[] outputs, ImageBatch batch) => Name switch
    {
        "kl" => ClassLoss.KullbackLeibler(floatOutputs, outputs, readout.ElementCount),
        "ce" => ClassLoss.CrossEntropy(floatOutputs, outputs, readout.ElementCount, batch.Labels),
        _ => new SquaredLoss(weights, [.. outputs.Zip(floatOutputs, (z, z0) => z - z0)]),
    };
}
