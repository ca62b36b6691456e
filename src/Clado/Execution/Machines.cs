namespace Clado.Execution;

/// <summary>
/// Other machines that take part in measuring. What is measured does not depend on them: they do units of the same work, and what they come
/// to is recorded here.
/// </summary>
public abstract class Machines : IDisposable
{
    internal Machines()
    {
    }

    /// <summary>Who takes part and how fast they are at the moment, in a few words; null while nothing is measured.</summary>
    public abstract string? Status { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Hands out the units of a task, until it is disposed.</summary>
    /// <param name="task">The task.</param>
    internal abstract IRemoteWork Begin(RemoteTask task);

    /// <summary>Leaves the machines to others.</summary>
    /// <param name="disposing">Whether it is told so.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A task whose units other machines do.</summary>
internal interface IRemoteWork : IDisposable
{
    /// <summary>Waits until all units of a group are kept.</summary>
    /// <param name="group">The group. Range: [0, groups).</param>
    /// <exception cref="CladoException">A unit cannot be done.</exception>
    /// <exception cref="OperationCanceledException">The task was stopped.</exception>
    void Wait(int group);
}
