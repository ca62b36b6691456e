namespace Clado.Execution;

/// <summary>Decides where networks run.</summary>
public static class Providers
{
    /// <summary>Version of ONNX Runtime.</summary>
    public static string RuntimeVersion => OrtRuntime.Version;

    /// <summary>Decides by what this build and this machine have.</summary>
    /// <param name="wanted">What is asked for.</param>
    /// <returns>
    /// <see cref="Provider.Cpu"/> or <see cref="Provider.Cuda"/>, and what is to be said of it in a sentence without its end; null where
    /// nothing is.
    /// </returns>
    /// <exception cref="CladoException">A GPU is asked for, and something is missing; the message says what, and what to do.</exception>
    public static (Provider Provider, string? Note) Decide(Provider wanted) => wanted switch
    {
        Provider.Cpu => (Provider.Cpu, null),
        Provider.Cuda => OnGpu(CudaDevice.Own),
        // Where CUDA was not built in, nobody expects it.
        _ when !CudaSystem.Own.HasProvider => (Provider.Cpu, null),
        _ when CudaDevice.Missing is { } missing => (Provider.Cpu, $"measured on the CPU: {missing}"),
        _ => OnGpu(CudaDevice.Own),
    };

    private static (Provider, string) OnGpu(CudaDevice device) => (Provider.Cuda, $"measured on {device.Name}");
}
