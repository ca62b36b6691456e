using System.Runtime.InteropServices;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>Memory that allocators keep although nothing uses it.</summary>
internal static class NativeMemory
{
    private static readonly Trim? Trimming = OperatingSystem.IsLinux() ? Find("libc", "malloc_trim") : null;

    /// <summary>Gives unused memory back, but for some bytes of it.</summary>
    internal delegate int Trim(nint kept);

    /// <summary>
    /// Gives it back to the system. The arena that all sessions share gives it back at a run's end alone, so a model of nothing is run.
    /// Of sessions made and disposed one after the other, glibc keeps the freed pages between what still lives: ResNet-50 measured under
    /// 4 GB grew from batch to batch by it. Other C libraries give theirs back by themselves or have no such call.
    /// </summary>
    /// <remarks>
    /// Not after every run: the next one's memory would be new to the system, which clears it page by page, a third of the time that
    /// gradients of ResNet-50 took.
    /// </remarks>
    /// <param name="provider">Whose memory goes back, beside the processor's.</param>
    public static void Release(Provider provider = Provider.Cpu)
    {
        GC.Collect();
        using (var session = new GraphSession(Nothing(), "", provider: provider))
        using (var value = OrtValue.CreateTensorValueFromMemory(new float[1], [1]))
        {
            session.Run(_ => value, releasesMemory: true).Dispose();
        }
        _ = Trimming?.Invoke(0);
    }

    /// <summary>A model that gives its one input back.</summary>
    private static ModelProto Nothing()
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimValue = 1 } } };
        var type = new TypeProto { TensorType = new() { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape } };
        return new ModelProto
        {
            IrVersion = 8,
            OpsetImport = { new OperatorSetIdProto { Version = 17 } },
            Graph = new GraphProto
            {
                Name = "nothing",
                Input = { new ValueInfoProto { Name = "x", Type = type } },
                Output = { new ValueInfoProto { Name = "y", Type = type } },
                Node = { NodeExtensions.Node("Identity", ["x"], "y") },
            },
        };
    }

    /// <summary>A function of a native library; null where there is no such library, or it has no such function.</summary>
    internal static Trim? Find(string library, string function) =>
        NativeLibrary.TryLoad(library, typeof(NativeMemory).Assembly, null, out nint handle)
            && NativeLibrary.TryGetExport(handle, function, out nint address)
            ? Marshal.GetDelegateForFunctionPointer<Trim>(address)
            : null;
}
