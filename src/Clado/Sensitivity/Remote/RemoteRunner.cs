using Clado.Execution;

namespace Clado.Sensitivity.Remote;

/// <summary>Units on other machines. Nothing is asked of them before a unit is missing.</summary>
/// <param name="loaded">The task.</param>
/// <param name="plan">Its units.</param>
/// <param name="machines">The machines.</param>
internal sealed class RemoteRunner(LoadedTask loaded, MeasurementPlan plan, Machines machines) : IUnitRunner
{
    private IRemoteWork? work;

    public void Run(IReadOnlyList<WorkUnit> units, Action<WorkUnit> measure)
    {
        if (units.Count > 0)
        {
            work ??= machines.Begin(new RemoteMeasurement(loaded, plan));
            work.Wait(units[0].Batch);
        }
    }

    public void Dispose() => work?.Dispose();
}
