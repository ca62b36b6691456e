namespace Clado.Execution;

/// <summary>
/// A task that other machines do: files that say all of it, and units in groups, those of a group with an input in common. Safe to use from
/// several threads.
/// </summary>
internal abstract class RemoteTask
{
    /// <summary>What it is, to be read by whoever does units; the other files are in it by their hashes.</summary>
    public abstract Blob Description { get; }

    /// <summary>The other files. Shape: [files].</summary>
    public abstract IReadOnlyList<Blob> Files { get; }

    /// <summary>Number of groups.</summary>
    public abstract int GroupCount { get; }

    /// <summary>Stops.</summary>
    public abstract CancellationToken Cancellation { get; }

    /// <summary>The units of a group that are still to be done, asked for once.</summary>
    /// <param name="group">The group. Range: [0, groups).</param>
    /// <returns>Shape: [units].</returns>
    public abstract IReadOnlyList<RemoteUnit> Units(int group);

    /// <summary>What the units of a group work on.</summary>
    /// <param name="group">The group. Range: [0, groups).</param>
    public abstract Blob Input(int group);

    /// <summary>Keeps what a unit came to.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="values">Shape: [bytes].</param>
    public abstract void Keep(RemoteUnit unit, byte[] values);
}

/// <summary>A unit that another machine does.</summary>
/// <param name="Key">Its name, which no other unit of the task has.</param>
/// <param name="Group">Its group. Range: [0, groups).</param>
/// <param name="Row">Its position in the group. Range: [0, units).</param>
/// <param name="Bytes">Bytes that it comes to.</param>
internal sealed record RemoteUnit(string Key, int Group, int Row, long Bytes);
