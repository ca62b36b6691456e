using System.Collections.Frozen;

namespace Clado.Gradients;

/// <summary>What is asked of a graph.</summary>
/// <param name="Passes">
/// The seeds of every backward pass. Passes share the forward pass; a pass gives gradients of the sum over its seeds.
/// Shape: [passes][seeds].
/// </param>
/// <param name="WithRespectTo">Names of the tensors that gradients are by: constants, inputs, or what nodes make.</param>
internal sealed record GradientRequest(IReadOnlyList<IReadOnlyList<Seed>> Passes, IReadOnlyCollection<string> WithRespectTo)
{
    /// <summary>Names of the constants among them whose gradients are kept apart, image by image. Shape: [images, …constant].</summary>
    public IReadOnlySet<string> PerImage { get; init; } = FrozenSet<string>.Empty;

    /// <summary>Names of the tensors that are outputs besides.</summary>
    public IReadOnlyCollection<string> Outputs { get; init; } = [];

    /// <summary>Names of the tensors that are given at every run instead of being computed.</summary>
    public IReadOnlySet<string> Given { get; init; } = FrozenSet<string>.Empty;
}
