using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>The GPU that networks run on. Of several it is the first: CUDA_VISIBLE_DEVICES says which that is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MemoryBytes">Its memory.</param>
internal sealed record CudaDevice(string Name, long MemoryBytes)
{
    /// <summary>Passes side by side at most: small networks want several, and each takes memory there.</summary>
    public const int MostPasses = 8;

    private static readonly Lazy<(CudaDevice? Device, string? Missing)> Found = new(Find);

    /// <summary>What is missing for one, and what to do, in a sentence without its end; null where nothing is.</summary>
    public static string? Missing => Found.Value.Missing;

    /// <summary>The GPU.</summary>
    /// <exception cref="CladoException">There is none that can be used; the message says what is missing.</exception>
    public static CudaDevice Own => Found.Value.Device ?? throw new CladoException($"{Settings.Provider} cuda: {Missing}");

    private static (CudaDevice?, string?) Find()
    {
        if (CudaSystem.Own.Missing() is { } missing)
        {
            return (null, missing);
        }
        var driver = CudaDriver.Ask();
        if (Refusal() is { } refusal)
        {
            return (null, $"ONNX Runtime does not compute on {driver.Name} ({refusal}); see docs/cuda.md for what it wants, "
                + $"or measure with {Settings.Provider} cpu");
        }
        _ = CudaSessions.Memory;
        return (new(driver.Name, driver.MemoryBytes), null);
    }

    /// <summary>What ONNX Runtime says where it cannot compute there: one convolution needs all that networks do.</summary>
    private static string? Refusal()
    {
        float[] ones = [1, 1, 1, 1];
        var graph = new GraphProto { Name = "convolution" };
        graph.Initializer.Add(TensorData.Singles("x", ones, 1, 1, 2, 2));
        graph.Initializer.Add(TensorData.Singles("w", ones, 1, 1, 2, 2));
        graph.Node.Add(NodeExtensions.Node("Conv", ["x", "w"], "y"));
        graph.Output.Add(new ValueInfoProto { Name = "y" });
        try
        {
            using var model = new SessionModel(new ModelProto
            {
                IrVersion = 10,
                Graph = graph,
                OpsetImport = { new OperatorSetIdProto { Version = OpsetUpgrade.EarlierOpset } },
            });
            // Unoptimized: what is constant would be computed on the processor.
            using var session = OrtRuntime.CreateSession(
                model, "convolution.onnx", GraphOptimizationLevel.ORT_DISABLE_ALL, integers: false, Provider.Cuda);
            using var options = new RunOptions();
            using var outputs = session.Run(options, Array.Empty<string>(), Array.Empty<OrtValue>(), ["y"]);
            return outputs[0].GetTensorDataAsSpan<float>()[0] == ones.Length ? null : "it computes wrongly";
        }
        catch (Exception e) when (e is OnnxFormatException or OnnxRuntimeException)
        {
            var line = CladoException.Plain(e.InnerException ?? e);
            // What stands before is where in its source it failed.
            return line[(line.LastIndexOf(" : ", StringComparison.Ordinal) is var end and >= 0 ? end + 3 : 0)..];
        }
    }
}
