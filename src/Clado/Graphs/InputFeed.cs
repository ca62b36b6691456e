using Microsoft.ML.OnnxRuntime;

namespace Clado.Graphs;

/// <summary>Values of a network's inputs for one run, by name; they are disposed with it.</summary>
internal sealed class InputFeed : Dictionary<string, OrtValue>, IDisposable
{
    public void Dispose()
    {
        foreach (var value in Values)
        {
            value.Dispose();
        }
    }
}
