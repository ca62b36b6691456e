using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Clado.Execution;

/// <summary>A model, or a part of one, ready to run. Safe to run from several threads at once.</summary>
internal sealed class GraphSession : IDisposable
{
    // A session takes some times the model's bytes, and so may those before it have, whose memory stays until somebody asks.
    private const long LargeBytes = 64L << 20;

    private static int openCount;

    private readonly SessionModel serialized;
    private readonly InferenceSession session;
    private readonly CudaThread? thread;
    private readonly IReadOnlySet<string> kept = new HashSet<string>();
    private int isDisposed;

    /// <summary>Creates the session.</summary>
    /// <param name="model">The model to run.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="optimization">How far ONNX Runtime rewrites the graph.</param>
    /// <param name="releasesMemory">
    /// Whether memory that nothing uses is given back before, for tight memory. Before a large model is loaded it always is.
    /// </param>
    /// <param name="integers">Whether it computes in integers where the model rounds activations; else all is computed in floats.</param>
    /// <param name="provider">Where it computes.</param>
    /// <param name="kept">Outputs that stay where they are computed, for other sessions to take; null for none.</param>
    /// <exception cref="OnnxFormatException">ONNX Runtime refuses the model.</exception>
    /// <exception cref="CladoException">It is to compute on a GPU, and there is none that can be used.</exception>
    public GraphSession(
        ModelProto model, string file, GraphOptimizationLevel optimization = GraphOptimizationLevel.ORT_ENABLE_ALL,
        bool releasesMemory = false, bool integers = false, Provider provider = Provider.Cpu, IReadOnlySet<string>? kept = null)
        : this(model, file, provider, serialized =>
        {
            // What the sessions before have left: nobody else would look.
            if (releasesMemory || model.SizeBytes() > LargeBytes)
            {
                NativeMemory.Release(provider);
            }
            return OrtRuntime.CreateSession(serialized, file, optimization, integers, provider);
        }) => this.kept = kept ?? this.kept;

    private GraphSession(ModelProto model, string file, Provider provider, Func<SessionModel, InferenceSession> open)
    {
        if (provider == Provider.Cuda)
        {
            _ = CudaDevice.Own;
            thread = CudaThread.Next();
        }
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
    /// <param name="provider">Where it computes.</param>
    /// <exception cref="OnnxFormatException">ONNX Runtime refuses the model.</exception>
    public static GraphSession Timed(ModelProto model, string file, int threads, bool integers, Provider provider = Provider.Cpu) =>
        new(model, file, provider, serialized => OrtRuntime.CreateTimedSession(serialized, file, threads, integers, provider));

    /// <summary>Runs the model within the <see cref="RunLimit"/>.</summary>
    /// <param name="value">Gives the value of the input of that name; it stays the caller's.</param>
    /// <param name="releasesMemory">Whether the arena that all sessions share gives back what is not used after the run.</param>
    /// <returns>The outputs in the order of <see cref="Outputs"/>; the caller disposes them. Shape: [outputs].</returns>
    public IDisposableReadOnlyCollection<OrtValue> Run(Func<string, OrtValue> value, bool releasesMemory = false)
    {
        using var options = new RunOptions();
        if (releasesMemory)
        {
            options.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", thread is null ? "cpu:0" : "cpu:0;gpu:0");
        }
        OrtValue[] values = [.. Inputs.Select(value)];
        return RunLimit.Run(
            File,
            thread is null
                ? "ONNX Runtime stopped"
                : $"ONNX Runtime stopped on the GPU (where its memory is used up, a lower {Settings.Memory} takes less of it)",
            () => thread is null ? session.Run(options, Inputs, values, Outputs) : thread.Run(() => RunOnGpu(options, values)),
            () => options.Terminate = true);
    }

    /// <summary>Runs the model on values by name; more than it takes may be among them.</summary>
    /// <returns>As above.</returns>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyDictionary<string, OrtValue> values) => Run(name => values[name]);

    /// <summary>Values that lie there already are taken as they are; what others are to take stays there.</summary>
    private IDisposableReadOnlyCollection<OrtValue> RunOnGpu(RunOptions options, OrtValue[] values)
    {
        using var binding = session.CreateIoBinding();
        foreach (var (name, value) in Inputs.Zip(values))
        {
            binding.BindInput(name, value);
        }
        foreach (var name in Outputs)
        {
            binding.BindOutputToDevice(name, kept.Contains(name) ? CudaSessions.Memory : OrtMemoryInfo.DefaultInstance);
        }
        return session.RunWithBoundResults(options, binding);
    }

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
