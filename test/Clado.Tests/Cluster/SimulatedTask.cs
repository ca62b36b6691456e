using System.Security.Cryptography;
using System.Text;
using Clado.Cluster.Coordination;
using Clado.Execution;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>
/// A task whose units come to bytes that follow from their names; it fails where a unit is kept twice, or as something else.
/// </summary>
/// <param name="sizes">Units of every group. Shape: [groups].</param>
internal sealed class SimulatedTask(params int[] sizes) : RemoteTask
{
    private const int UnitBytes = 4;

    private readonly HashSet<int> asked = [];

    /// <summary>Keys in the order in which they were kept.</summary>
    public List<string> Kept { get; } = [];

    /// <summary>Keys of all units, sorted.</summary>
    public string[] Keys => [.. sizes.SelectMany((size, group) => Enumerable.Range(0, size).Select(i => Key(group, i))).Order()];

    public override Blob Description { get; } = Blob.Of([1]);

    public override IReadOnlyList<Blob> Files => [];

    public override int GroupCount => sizes.Length;

    public override CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What a unit comes to.</summary>
    public static byte[] Values(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key))[..UnitBytes];

    public override IReadOnlyList<RemoteUnit> Units(int group)
    {
        Assert.True(asked.Add(group), "units were asked for twice");
        return [.. Enumerable.Range(0, sizes[group]).Select(i => new RemoteUnit(Key(group, i), group, i, UnitBytes))];
    }

    public override Blob Input(int group) => Description;

    public override void Keep(RemoteUnit unit, byte[] values)
    {
        Assert.DoesNotContain(unit.Key, Kept);
        Assert.Equal(Values(unit.Key), values);
        Kept.Add(unit.Key);
    }

    private static string Key(int group, int row) => $"{group}/{row}";
}

/// <summary>A worker that does what a test says.</summary>
internal sealed class SimulatedWorker(string name, int threads = 1) : IUnitHolder
{
    public string Name => name;

    public int Threads => threads;

    /// <summary>Whether it answers.</summary>
    public bool IsThere { get; set; } = true;

    /// <summary>What it was given and has not answered yet.</summary>
    public List<RemoteUnit> Held { get; } = [];

    /// <summary>What was taken from it, and may still be answered.</summary>
    public List<RemoteUnit> Late { get; } = [];
}

/// <summary>Workers whose next steps happen while the coordinator waits.</summary>
/// <param name="workers">Shape: [workers].</param>
/// <param name="step">What happens next; called until a unit is kept or all is over.</param>
internal sealed class SimulatedCrew(IReadOnlyList<SimulatedWorker> workers, Action step) : IUnitCrew
{
    public int UsableCount => workers.Count(worker => worker.IsThere);

    public void SayWhereNobodyIs() => step();

    public void End(UnitBoard board)
    {
    }
}

/// <summary>A clock of day that stands until it is moved.</summary>
internal sealed class SimulatedClock : TimeProvider
{
    private DateTimeOffset now = DateTimeOffset.UnixEpoch;

    public override DateTimeOffset GetUtcNow() => now;

    public void Move(double seconds) => now += TimeSpan.FromSeconds(seconds);
}
