using System.Runtime.InteropServices;
using System.Text;

namespace Clado.Execution;

/// <summary>What NVIDIA's driver says of the machine.</summary>
/// <param name="Error">Number of its error; 0 for none.</param>
/// <param name="Version">The newest CUDA it runs.</param>
/// <param name="DeviceCount">GPUs it finds.</param>
/// <param name="Name">Name of the first.</param>
/// <param name="MemoryBytes">Memory of the first.</param>
internal readonly record struct CudaDriver(int Error, Version Version, int DeviceCount, string Name, long MemoryBytes)
{
    /// <summary>The error of a machine without a GPU.</summary>
    public const int NoDevice = 100;

    // Of CUDA 13.1 the driver says 13010.
    private const int Thousand = 1000, Ten = 10, LongestName = 256;

    private delegate int Initialize(uint flags);

    private delegate int Number(out int value);

    private delegate int Device(out int device, int index);

    private delegate int DeviceName([Out] byte[] name, int length, int device);

    private delegate int DeviceMemory(out nuint bytes, int device);

    /// <summary>Asks the driver, whose library is there.</summary>
    public static CudaDriver Ask()
    {
        nint library = NativeLibrary.Load(CudaSystem.DriverLibrary);
        T Function<T>(string name) => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library, name));
        var none = new CudaDriver(0, new Version(0, 0), 0, "", 0);
        int error = Function<Initialize>("cuInit")(0), version = 0, count = 0, device = 0;
        nuint bytes = 0;
        var name = new byte[LongestName];
        bool Fails(int result) => (error = error == 0 ? result : error) != 0;
        return error != 0 || Fails(Function<Number>("cuDriverGetVersion")(out version))
            || Fails(Function<Number>("cuDeviceGetCount")(out count)) || count == 0
            || Fails(Function<Device>("cuDeviceGet")(out device, 0))
            || Fails(Function<DeviceName>("cuDeviceGetName")(name, name.Length, device))
            || Fails(Function<DeviceMemory>("cuDeviceTotalMem_v2")(out bytes, device))
            ? none with { Error = error, Version = Of(version) }
            : new CudaDriver(0, Of(version), count, Encoding.UTF8.GetString(name).TrimEnd('\0'), (long)bytes);
    }

    private static Version Of(int version) => new(version / Thousand, version % Thousand / Ten);
}
