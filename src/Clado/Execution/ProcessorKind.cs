using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Clado.Execution;

/// <summary>
/// What sums of a network depend on besides its file: ONNX Runtime has kernels of its own for every set of instructions, which add in
/// another order, and functions such as exp are the system's.
/// </summary>
internal static class ProcessorKind
{
    /// <summary>The kind of this machine, such as "linux x64 avx512 vnni". Two of one kind give the same bits.</summary>
    public static string Own { get; } = Name();

    private static string Name()
    {
        var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "macos" : "linux";
        var architecture = $"{RuntimeInformation.ProcessArchitecture}".ToLowerInvariant();
        return $"{system} {architecture}{(X86Base.IsSupported ? $" {Instructions()}" : "")}";
    }

    private static string Instructions()
    {
        var (_, _, first, _) = X86Base.CpuId((int)Leaf.Features, 0);
        var (_, extended, more, _) = X86Base.CpuId((int)Leaf.Extended, 0);
        var (last, _, _, _) = X86Base.CpuId((int)Leaf.Extended, 1);
        static bool Has(int register, Bit bit) => ((register >> (int)bit) & 1) != 0;
        bool hasVectors = Has(first, Bit.Avx), isFused = hasVectors && Has(first, Bit.Fma) && Has(extended, Bit.Avx2);
        bool isWide = isFused && Has(extended, Bit.Avx512F);
        bool isWhole = isWide && Has(extended, Bit.Avx512Dq) && Has(extended, Bit.Avx512Bw) && Has(extended, Bit.Avx512Vl);
        return isWhole ? Has(more, Bit.Avx512Vnni) ? "avx512 vnni" : "avx512"
            : isWide ? "avx512f"
            : isFused ? Has(last, Bit.AvxVnni) ? "avx2 vnni" : "avx2"
            : hasVectors ? "avx" : "sse2";
    }

    // Leaves of CPUID, and bits of what they give (Intel Software Developer's Manual, volume 2A): those that ONNX Runtime looks at.
    private enum Leaf
    {
        Features = 1,
        Extended = 7,
    }

    private enum Bit
    {
        AvxVnni = 4,
        Avx2 = 5,
        Avx512Vnni = 11,
        Fma = 12,
        Avx512F = 16,
        Avx512Dq = 17,
        Avx = 28,
        Avx512Bw = 30,
        Avx512Vl = 31,
    }
}
