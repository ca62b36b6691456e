using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>How sessions compute on a GPU: as exactly as on the processor, and the same from run to run (docs/cuda.md).</summary>
internal static class CudaSessions
{
    private static readonly Dictionary<string, string> Settings = new()
    {
        ["device_id"] = "0",
        // Products of floats rounded to eleven bits would be off by more than the differences that are measured.
        ["use_tf32"] = "0",
        // By rule: a search by the clock would choose other kernels, and so other last bits, from run to run.
        ["cudnn_conv_algo_search"] = "HEURISTIC",
        ["do_copy_in_default_stream"] = "1",
    };

    private static readonly Lazy<OrtMemoryInfo> Arena = new(Share);

    /// <summary>
    /// Memory of the GPU, where what sessions take of each other stays. Asked for first when one session is known to run there: to register
    /// an arena where that cannot be ends the process.
    /// </summary>
    public static OrtMemoryInfo Memory => Arena.Value;

    /// <summary>Makes a session compute there.</summary>
    /// <param name="options">Of the session.</param>
    public static void Append(SessionOptions options)
    {
        using var cuda = new OrtCUDAProviderOptions();
        cuda.UpdateOptions(Settings);
        options.AppendExecutionProvider_CUDA(cuda);
    }

    /// <summary>
    /// One arena for all sessions that are made from then on: a network cut at every layer has dozens, and each would keep its own
    /// high-water mark.
    /// </summary>
    private static OrtMemoryInfo Share()
    {
        var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using var arena = new OrtArenaCfg(0, 1, -1, -1);
        OrtEnv.Instance().CreateAndRegisterAllocator(OrtRuntime.CudaProvider, memory, arena, Settings);
        return memory;
    }
}
