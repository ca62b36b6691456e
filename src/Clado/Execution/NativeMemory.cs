using System.Runtime.InteropServices;

namespace Clado.Execution;

/// <summary>Memory that allocators keep although nothing uses it.</summary>
internal static class NativeMemory
{
    private static readonly Trim? Trimming = OperatingSystem.IsLinux() ? Find("libc", "malloc_trim") : null;

    /// <summary>Gives unused memory back, but for some bytes of it.</summary>
    internal delegate int Trim(nint kept);

    /// <summary>
    /// Gives it back to the system. Of sessions made and disposed one after the other, glibc keeps the freed pages between what still
    /// lives: ResNet-50 measured under 4 GB grew from batch to batch by it. Other C libraries give theirs back by themselves or have no
    /// such call.
    /// </summary>
    public static void Release()
    {
        GC.Collect();
        _ = Trimming?.Invoke(0);
    }

    /// <summary>A function of a native library; null where there is no such library, or it has no such function.</summary>
    internal static Trim? Find(string library, string function) =>
        NativeLibrary.TryLoad(library, typeof(NativeMemory).Assembly, null, out nint handle)
            && NativeLibrary.TryGetExport(handle, function, out nint address)
            ? Marshal.GetDelegateForFunctionPointer<Trim>(address)
            : null;
}
