using Clado.Graphs;
using Clado.Images;
using Clado.Runs;

namespace Clado.Sensitivity;

/// <summary>Makes the loss of a batch, after checking that network and images have what it needs.</summary>
internal sealed class LossFactory
{
    private readonly Graph graph;
    private readonly Readout readout;

    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <param name="name">kl, ce or mse; null to choose by the network.</param>
    public LossFactory(Graph graph, Readout readout, ImageSet images, string? name)
    {
        (this.graph, this.readout) = (graph, readout);
        Name = NameFor(graph, readout, images, name);
    }

    public string Name { get; }

    /// <summary>Chooses a loss and checks that network and images have what it needs.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <param name="name">kl, ce or mse; null to choose by the network.</param>
    /// <exception cref="CladoException">They have not.</exception>
    public static string NameFor(Graph graph, Readout readout, ImageSet images, string? name)
    {
        name ??= readout.IsClassifier ? "kl" : "mse";
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
    /// <param name="records">Remembers the outputs' variances, which the first batch sets for all.</param>
    public OutputLoss Create(float[] floatOutputs, float[] outputs, ImageBatch batch, RecordStore records)
    {
        if (floatOutputs.Any(v => !float.IsFinite(v)))
        {
            throw new CladoException($"{Path.GetFileName(graph.File)}: the float model gives NaN or infinity on these images; check --preprocess");
        }
        return Name switch
        {
            "kl" => ClassLoss.KullbackLeibler(floatOutputs, outputs, readout.ElementCount),
            "ce" => ClassLoss.CrossEntropy(floatOutputs, outputs, readout.ElementCount, batch.Labels),
            _ => new SquaredLoss(readout.ElementCounts, records.GetOrAdd("variances", () => Variances(floatOutputs)), [.. outputs.Zip(floatOutputs, (z, z0) => z - z0)]),
        };
    }

    /// <summary>Variance of each output over images and elements; 1 for an output that is constant. Shape: [outputs].</summary>
    private double[] Variances(float[] outputs)
    {
        int start = 0;
        return [.. readout.ElementCounts.Select(count =>
        {
            int from = start;
            start += count;
            var values = outputs.Where((_, i) => i % readout.ElementCount >= from && i % readout.ElementCount < from + count).Select(v => (double)v).ToArray();
            double mean = values.Average(), variance = values.Average(v => (v - mean) * (v - mean));
            return variance > 0 ? variance : 1;
        })];
    }
}
