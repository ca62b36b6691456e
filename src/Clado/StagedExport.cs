using Clado.Evaluation;
using Clado.Onnx;

namespace Clado;

/// <summary>
/// A quantized model that lies beside its destination, was run and found sound, and has no name yet: what else may refuse it looks at it first. Disposed without
/// <see cref="Commit"/>, it leaves nothing behind.
/// </summary>
public sealed class StagedExport : IDisposable
{
    private readonly StagedModel model;

    internal StagedExport(StagedModel model, string destination, ParityResult parity) => (this.model, Destination, Parity) = (model, destination, parity);

    /// <summary>The path it will have.</summary>
    public string Destination { get; }

    /// <summary>Where it lies until then.</summary>
    public string Path => model.Path;

    /// <summary>Its bytes; of a model beyond 2 GiB, with those of the file that has its data.</summary>
    public long SizeBytes => model.SizeBytes;

    /// <summary>How close its outputs are to those of a simulation of its bits in floats.</summary>
    public ParityResult Parity { get; }

    /// <summary>Gives the model its name; what lies there is replaced.</summary>
    public ExportedModel Commit()
    {
        model.Commit();
        return new ExportedModel(Destination, SizeBytes, Parity);
    }

    /// <summary>Deletes what has no name.</summary>
    public void Dispose() => model.Dispose();
}
