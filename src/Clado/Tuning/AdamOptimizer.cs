using System.Numerics.Tensors;

namespace Clado.Tuning;

/// <summary>
/// Adam (arXiv 1412.6980, algorithm 1): steps of about the same length whatever the unit of the gradient. All is done element by element,
/// so that no bit depends on how wide vectors are.
/// </summary>
internal sealed class AdamOptimizer
{
    private const float FirstDecay = 0.9f;
    private const float SecondDecay = 0.999f;

    // Where a gradient has always been zero, the step is zero.
    private const float Smallest = 1e-12f;

    private readonly float[] mean;
    private readonly float[] square;

    /// <summary>Begins at the first step, or goes on.</summary>
    /// <param name="mean">Decaying mean of the gradients; changed by every step. Shape: [parameters].</param>
    /// <param name="square">That of their squares; changed by every step. Shape: [parameters].</param>
    public AdamOptimizer(float[] mean, float[] square) => (this.mean, this.square) = (mean, square);

    /// <summary>Turns a gradient into a step, which is to be taken off.</summary>
    /// <param name="gradient">Becomes the step. Shape: [parameters].</param>
    /// <param name="number">Number of the step. Range: [1, inf).</param>
    public void Step(Span<float> gradient, int number)
    {
        TensorPrimitives.Multiply(mean, FirstDecay, mean);
        TensorPrimitives.MultiplyAdd(gradient, 1 - FirstDecay, mean, mean);
        TensorPrimitives.Multiply(gradient, gradient, gradient);
        TensorPrimitives.Multiply(square, SecondDecay, square);
        TensorPrimitives.MultiplyAdd(gradient, 1 - SecondDecay, square, square);
        float first = 1 - MathF.Pow(FirstDecay, number), second = 1 - MathF.Pow(SecondDecay, number);
        TensorPrimitives.Divide(square, second, gradient);
        TensorPrimitives.Sqrt(gradient, gradient);
        TensorPrimitives.Add(gradient, Smallest, gradient);
        TensorPrimitives.Divide(mean, gradient, gradient);
        TensorPrimitives.Divide(gradient, first, gradient);
    }
}
