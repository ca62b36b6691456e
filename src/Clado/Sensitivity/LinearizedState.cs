using Clado.Execution;
using Clado.Images;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Sensitivity;

/// <summary>A batch that went forward, a few images at a time, and what passes back want to know of it.</summary>
/// <param name="parts">The parts of the batch; taken over.</param>
internal sealed class LinearizedState(OwnedList<LinearizedPart> parts) : IDisposable
{
    /// <summary>Outputs of the network. Shape: [images · outputs].</summary>
    public float[] Outputs { get; } = [.. parts.SelectMany(part => part.Outputs)];

    /// <summary>The parts, in the order of their images.</summary>
    public IReadOnlyList<LinearizedPart> Parts => parts;

    public void Dispose() => parts.Dispose();
}

/// <summary>Images that go forward and back together.</summary>
/// <param name="Batch">The images.</param>
/// <param name="First">Position of the first in the whole batch.</param>
/// <param name="Values">Inputs and activations by name.</param>
/// <param name="Outputs">Outputs of the network. Shape: [images · outputs].</param>
/// <param name="Owned">What is disposed with them.</param>
internal sealed record LinearizedPart(
    ImageBatch Batch, int First, IReadOnlyDictionary<string, OrtValue> Values, float[] Outputs, IReadOnlyList<IDisposable> Owned)
    : IDisposable
{
    public void Dispose()
    {
        foreach (var item in Owned)
        {
            item.Dispose();
        }
    }
}
