namespace Clado.Execution;

/// <summary>Adds work up from several threads and reports the share done.</summary>
internal sealed class WorkProgress(double total, IProgress<double>? target)
{
    private readonly Lock gate = new();
    private double done;

    /// <summary>Adds finished work, in the unit of the total.</summary>
    public void Add(double work)
    {
        lock (gate)
        {
            done += work;
            target?.Report(Math.Min(1, done / total));
        }
    }
}
