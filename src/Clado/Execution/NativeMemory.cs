using System.Runtime.InteropServices;

namespace Clado.Execution;

/// <summary>Memory that allocators keep although nothing uses it.</summary>
internal static class NativeMemory
{
    private static bool canTrim = OperatingSystem.IsLinux();

    /// <summary>
    /// Gives it back to the system. Of sessions made and disposed in turn, glibc keeps the freed pages between what still lives: ResNet-50 measured under
    /// 4 GB grew from batch to batch by it. Other C libraries give theirs back by themselves or have no such call.
    /// </summary>
    public static void Release()
    {
        GC.Collect();
        if (canTrim)
        {
            try
            {
                _ = Trim(0);
            }
            catch (EntryPointNotFoundException)
            {
                canTrim = false;
            }
        }
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    private static extern int Trim(nint kept);
}
