using Clado.Evaluation;
using Clado.Onnx;

namespace Clado;

/// <summary>
/// A quantized model that lies beside its destination, was run and found sound, and has no name yet.
/// What else may refuse it looks at it first. Disposed without <see cref="Commit"/>, it leaves nothing.
/// </summary>
public sealed class Deployment : IDisposable
{
    private readonly StagedModel staged;

    internal Deployment(StagedModel staged, DeployedModel model) => (this.staged, Model) = (staged, model);

    /// <summary>The model as it will be.</summary>
    public DeployedModel Model { get; }

    /// <summary>Where it lies until it has its name.</summary>
    public string StagedPath => staged.Path;

    /// <summary>Evaluates the file before it has its name; errors call it by that.</summary>
    /// <param name="options">The images, and what to compare with.</param>
    /// <param name="progress">Receives the share done. Range: [0, 1].</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="CladoException">Model, reference and images do not fit together, or an output is NaN or infinite.</exception>
    public EvaluationResult Evaluate(
        EvaluationOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Evaluator.Evaluate(new EvaluatedFile(StagedPath, Model.Path), options, progress, cancellation);
    }

    /// <summary>Gives the model its name; what lies there is replaced.</summary>
    public DeployedModel Commit()
    {
        staged.Commit();
        return Model;
    }

    /// <summary>Deletes what has no name.</summary>
    public void Dispose() => staged.Dispose();

    /// <summary>The same file, with other things known of it.</summary>
    /// <param name="model">What is known.</param>
    internal Deployment With(DeployedModel model) => new(staged, model);
}
