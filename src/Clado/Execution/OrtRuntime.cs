using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>
/// The one place that starts ONNX Runtime. Every session computes on the thread that calls it; Clado runs independent passes side by side
/// instead (docs/decisions/2026-11-23-threads.md), so that no result depends on how many threads there are.
/// </summary>
internal static class OrtRuntime
{
    /// <summary>What ONNX Runtime calls CUDA.</summary>
    public const string CudaProvider = "CUDAExecutionProvider";

    private static readonly Lazy<OrtEnv> Environment = new(Start);

    /// <summary>Version of ONNX Runtime.</summary>
    public static string Version => Environment.Value.GetVersionString();

    /// <summary>What this build of it can compute on, whatever the machine has. Shape: [providers].</summary>
    public static IReadOnlyList<string> Providers => Environment.Value.GetAvailableProviders();

    /// <summary>Creates a session.</summary>
    /// <param name="model">The model; it must outlive the session.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="optimization">How far ONNX Runtime rewrites the graph.</param>
    /// <param name="integers">Whether it computes in integers where the model rounds activations; else all is computed in floats.</param>
    /// <param name="provider">Where it computes.</param>
    public static InferenceSession CreateSession(
        SessionModel model, string file, GraphOptimizationLevel optimization, bool integers, Provider provider)
    {
        using var options = Options(optimization, integers, provider);
        options.DisablePerSessionThreads();
        options.AddSessionConfigEntry("session.use_env_allocators", "1");
        return Create(model, file, options);
    }

    /// <summary>Creates a session with threads of its own, for timing: what a user of the file has.</summary>
    /// <param name="model">The model; it must outlive the session.</param>
    /// <param name="file">Path that errors name.</param>
    /// <param name="threads">Threads a run uses. Range: [1, inf).</param>
    /// <param name="integers">Whether it computes in integers where the model rounds activations.</param>
    /// <param name="provider">Where it computes.</param>
    public static InferenceSession CreateTimedSession(SessionModel model, string file, int threads, bool integers, Provider provider)
    {
        using var options = Options(GraphOptimizationLevel.ORT_ENABLE_ALL, integers, provider);
        options.IntraOpNumThreads = threads;
        // Threads wait busily during a run, as a user's do, and not after it: the next session's run would find the processors taken.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        return Create(model, file, options);
    }

    /// <summary>Making a session computes what is constant in the model, which may take as long as a run.</summary>
    private static InferenceSession Create(SessionModel model, string file, SessionOptions options) =>
        RunLimit.Run(file, "ONNX Runtime refuses the model", () => model.Open(options), () => options.SetLoadCancellationFlag(true));

    private static SessionOptions Options(GraphOptimizationLevel optimization, bool integers, Provider provider)
    {
        _ = Environment.Value;
        var options = new SessionOptions
        {
            GraphOptimizationLevel = optimization,
            // What fails is an exception whose message we pass on; a second one on standard error would help nobody.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        if (!integers)
        {
            // Weight-only DequantizeLinear is folded at load: the file computes exactly what its dequantized weights would, as fast.
            options.AddSessionConfigEntry("session.disable_quant_qdq", "1");
        }
        if (provider == Provider.Cuda)
        {
            CudaSessions.Append(options);
        }
        return options;
    }

    private static OrtEnv Start()
    {
        using var threading = new OrtThreadingOptions
        {
            GlobalIntraOpNumThreads = 1,
            GlobalInterOpNumThreads = 1,
            GlobalSpinControl = false,
        };
        var options = new EnvironmentCreationOptions
        {
            logId = "clado",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            threadOptions = threading,
        };
        var environment = OrtEnv.CreateInstanceWithOptions(ref options);
        // One arena for all sessions: a network cut at every layer has dozens, and each would keep its own high-water mark.
        using var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using var arena = new OrtArenaCfg(0, 1, -1, -1);
        environment.CreateAndRegisterAllocator(memory, arena);
        return environment;
    }
}
