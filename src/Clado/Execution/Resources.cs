namespace Clado.Execution;

/// <summary>What work may take of the machine, and of others; which bits are chosen does not depend on it.</summary>
public sealed record Resources
{
    /// <summary>Passes side by side. Range: [1, inf). Default: all cores.</summary>
    public int Threads
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = Environment.ProcessorCount;

    /// <summary>Memory to stay under, bytes. Range: [1, inf). Default: half of the machine's.</summary>
    public long MemoryBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Other machines that take part in measuring; null for this one alone.</summary>
    public Machines? Machines { get; init; }

    /// <summary>Memory to stay under where networks run: a GPU has no more than its own.</summary>
    /// <param name="provider">Where they run.</param>
    internal long MemoryOn(Provider provider) =>
        provider == Provider.Cuda ? Math.Min(MemoryBytes, CudaDevice.Own.MemoryBytes) : MemoryBytes;
}
