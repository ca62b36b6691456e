using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Clado.Execution;

/// <summary>A model, or a part of one, ready to run. Safe to run from several threads at once.</summary>
internal sealed class GraphSession : IDisposable
{
    private static int openCount;

    private readonly SessionModel serialized;
    private readonly InferenceSession session;
    private readonly bool releasesMemory;
    private int isDisposed;

    /// <summary>Creates the session.</summary>
    /// <param name="model">The model to run.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="optimization">How far ONNX Runtime rewrites the graph.</param>
    /// <param name="releasesMemory">Whether every run gives unused memory of the shared arena back. It is slower, for tight memory.</param>
    /// <param name="integers">Whether it computes in integers where the model rounds activations; else all is computed in floats.</param>
    /// <exception cref="OnnxFormatException">ONNX Runtime refuses the model.</exception>
    public GraphSession(
        ModelProto model, string file, GraphOptimizationLevel optimization = GraphOptimizationLevel.ORT_ENABLE_ALL,
        bool releasesMemory = false, bool integers = false)
        : this(model, file, serialized => OrtRuntime.CreateSession(serialized, file, optimization, integers))
    {
        this.releasesMemory = releasesMemory;
        if (releasesMemory)
        {
            // The model's bytes, and what the sessions before have left: nobody else would look.
            NativeMemory.Release();
        }
    }

    private GraphSession(ModelProto model, string file, Func<SessionModel, InferenceSession> open)
    {
        serialized = new SessionModel(model);
        try
        {
            session = open(serialized);
        }
        catch
        {
            serialized.Dispose();
            throw;
        }
        Interlocked.Increment(ref openCount);
        Inputs = [.. session.InputNames];
        Outputs = [.. session.OutputNames];
        File = file;
    }

    /// <summary>Sessions of the process that are not disposed.</summary>
    public static int OpenCount => Volatile.Read(ref openCount);

    public string File { get; }

    public IReadOnlyList<string> Inputs { get; }

    public IReadOnlyList<string> Outputs { get; }

    /// <summary>Names of the outputs that are tensors of floats.</summary>
    public IEnumerable<string> FloatOutputs => session.OutputMetadata
        .Where(output => output.Value is { OnnxValueType: OnnxValueType.ONNX_TYPE_TENSOR, ElementDataType: TensorElementType.Float })
        .Select(output => output.Key);

    /// <summary>Creates a session with threads of its own, for timing: what a user of the file has.</summary>
    /// <param name="model">The model to run.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="threads">Threads a run uses. Range: [1, inf).</param>
    /// <param name="integers">Whether it computes in integers where the model rounds activations.</param>
    /// <exception cref="OnnxFormatException">ONNX Runtime refuses the model.</exception>
    public static GraphSession Timed(ModelProto model, string file, int threads, bool integers) =>
        new(model, file, serialized => OrtRuntime.CreateTimedSession(serialized, file, threads, integers));

    /// <summary>Runs the model within the <see cref="RunLimit"/>.</summary>
    /// <param name="value">Gives the value of the input of that name; it stays the caller's.</param>
    /// <returns>The outputs in the order of <see cref="Outputs"/>; the caller disposes them. Shape: [outputs].</returns>
    public IDisposableReadOnlyCollection<OrtValue> Run(Func<string, OrtValue> value)
    {
        using var options = new RunOptions();
        if (releasesMemory)
        {
            options.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        }
        return RunLimit.Run(
            File, "ONNX Runtime stopped",
            () => session.Run(options, Inputs, [.. Inputs.Select(value)], Outputs), () => options.Terminate = true);
    }

    /// <summary>Runs the model on values by name; more than it takes may be among them.</summary>
    /// <returns>As above.</returns>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyDictionary<string, OrtValue> values) => Run(name => values[name]);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) == 0)
        {
            session.Dispose();
            serialized.Dispose();
            Interlocked.Decrement(ref openCount);
        }
    }
}
