using Clado.Execution;
using Clado.Graphs;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;

namespace Clado.Evaluation;

/// <summary>
/// What runs for a file: the file itself, as its users have it. Where ONNX Runtime has no kernels for its precision, or what is read of it
/// lies inside a function or a fused operator, the graph that was read of it runs in its place.
/// </summary>
/// <param name="Model">The model to run.</param>
/// <param name="Note">What is to be said of that, in a sentence; null where the file itself runs.</param>
internal sealed record RunnableFile(ModelProto Model, string? Note)
{
    /// <summary>Finds what runs.</summary>
    /// <param name="file">The model as its file has it.</param>
    /// <param name="graph">The graph that was read of it.</param>
    public static RunnableFile Of(ModelProto file, Graph graph)
    {
        if (WhyNot(file, graph) is { } reason)
        {
            return new(graph.Model, $"{graph.File} runs as it was read, in float32: {reason}");
        }
        var made = file.Graph.Node.SelectMany(node => node.Output).ToHashSet();
        return Read(graph).FirstOrDefault(name => !made.Contains(name)) is { } inside
            ? new(
                graph.Model,
                $"{graph.File} runs with its functions and fused operators taken apart: what is read of it, '{inside}', lies inside")
            : new(file, null);
    }

    /// <summary>Why ONNX Runtime does not run a file of another precision than float; null where it does, or it is one of floats.</summary>
    private static string? WhyNot(ModelProto file, Graph graph)
    {
        if (graph.Precisions.Count == 0)
        {
            return null;
        }
        try
        {
            using var session = new GraphSession(file, graph.File, integers: file.RoundsActivations());
            return null;
        }
        catch (OnnxFormatException e) when (e.InnerException is OnnxRuntimeException)
        {
            return Invariant($"as it is, it does not ({CladoException.Plain(e.InnerException)})");
        }
    }

    private static IReadOnlyList<string> Read(Graph graph)
    {
        try
        {
            return Readout.Of(graph).Outputs;
        }
        catch (OnnxFormatException)
        {
            return [];
        }
    }
}
