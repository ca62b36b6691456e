using System.Globalization;
using System.Runtime.InteropServices;
using static System.FormattableString;

namespace Clado.Execution;

/// <summary>What a machine has of what ONNX Runtime takes to compute on a GPU.</summary>
/// <param name="HasProvider">Whether this build's ONNX Runtime knows CUDA.</param>
/// <param name="IsThere">Whether a native library can be loaded.</param>
/// <param name="Driver">What the driver says; asked where its library is there.</param>
internal sealed record CudaSystem(bool HasProvider, Func<string, bool> IsThere, Func<CudaDriver> Driver)
{
    // What ONNX Runtime 1.31.0 was built with: its CUDA library links these, and loads cuDNN when it is first needed.
    private const int CudaVersion = 13, CudnnVersion = 9, CurandVersion = 10;

    private const string Instead = $"or measure with {Settings.Provider} cpu";

    /// <summary>The driver's library.</summary>
    public static string DriverLibrary => OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    /// <summary>This machine.</summary>
    public static CudaSystem Own { get; } = new(
        OrtRuntime.Providers.Contains(OrtRuntime.CudaProvider),
        // Loaded once and kept: ONNX Runtime is about to do the same.
        library => NativeLibrary.TryLoad(library, out _),
        CudaDriver.Ask);

    /// <summary>Libraries that ONNX Runtime loads, and what of NVIDIA's brings each. Shape: [libraries].</summary>
    public static IReadOnlyList<(string Library, string Of)> Libraries { get; } =
    [
        (Name("cudart", CudaVersion), Invariant($"CUDA {CudaVersion}")),
        (Name("cublasLt", CudaVersion), Invariant($"cuBLAS of CUDA {CudaVersion}")),
        (Name("cublas", CudaVersion), Invariant($"cuBLAS of CUDA {CudaVersion}")),
        (Name("curand", CurandVersion), Invariant($"cuRAND of CUDA {CudaVersion}")),
        (Name("cudnn", CudnnVersion), Invariant($"cuDNN {CudnnVersion} for CUDA {CudaVersion}")),
    ];

    /// <summary>What is missing and what to do, in a sentence without its end; null where all is there.</summary>
    public string? Missing()
    {
        if (!HasProvider)
        {
            return $"this build computes on the CPU alone; build the one for GPUs with CLADO_PROVIDER=cuda (docs/cuda.md), {Instead}";
        }
        if (!IsThere(DriverLibrary))
        {
            return Invariant($"there is no NVIDIA driver ({DriverLibrary}); install one for CUDA {CudaVersion}, {Instead}");
        }
        var driver = Driver();
        if (driver.Error is not (0 or CudaDriver.NoDevice))
        {
            return Invariant($"the NVIDIA driver does not start (error {driver.Error}); see whether nvidia-smi runs, {Instead}");
        }
        if (driver.Error == CudaDriver.NoDevice || driver.DeviceCount == 0)
        {
            return $"the NVIDIA driver finds no GPU; see what nvidia-smi and CUDA_VISIBLE_DEVICES say, {Instead}";
        }
        if (driver.Version.Major < CudaVersion)
        {
            return Invariant($"the NVIDIA driver is one for CUDA {driver.Version}; install one for CUDA {CudaVersion}, {Instead}");
        }
        var absent = Libraries.Where(one => !IsThere(one.Library)).ToArray();
        return absent.Length == 0
            ? null
            : $"{string.Join(", ", absent.Select(one => $"{one.Library} ({one.Of})"))} cannot be loaded; install what is missing, "
                + $"or name its folders in {(OperatingSystem.IsWindows() ? "PATH" : "LD_LIBRARY_PATH")}, {Instead}";
    }

    private static string Name(string library, int version)
    {
        var number = version.ToString(CultureInfo.InvariantCulture);
        return OperatingSystem.IsWindows() ? $"{library}64_{number}.dll" : $"lib{library}.so.{number}";
    }
}
