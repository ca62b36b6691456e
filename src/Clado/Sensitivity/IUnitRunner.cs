using Clado.Images;

namespace Clado.Sensitivity;

/// <summary>Where units are measured.</summary>
internal interface IUnitRunner : IDisposable
{
    /// <summary>Sees to it that all units of a batch are recorded.</summary>
    /// <param name="units">The units. Shape: [units].</param>
    /// <param name="measure">
    /// Measures and records a unit here, unless its record is there. Safe to call from several threads, in any order.
    /// </param>
    void Run(IReadOnlyList<WorkUnit> units, Action<WorkUnit> measure);
}

/// <summary>Units side by side on this machine.</summary>
/// <param name="work">Threads; stops between two units.</param>
internal sealed class LocalRunner(Workload work) : IUnitRunner
{
    // One at a time to each thread: units differ in length by orders of magnitude.
    public void Run(IReadOnlyList<WorkUnit> units, Action<WorkUnit> measure) => work.SideBySide.ForEach(units, measure);

    public void Dispose()
    {
    }
}
