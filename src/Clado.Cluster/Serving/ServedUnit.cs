using Clado.Cluster.Contract;

namespace Clado.Cluster.Serving;

/// <summary>A unit that was given to this machine.</summary>
/// <param name="Assignment">What it was given with.</param>
/// <param name="Key">Its name.</param>
/// <param name="Row">Its position in its group. Range: [0, inf).</param>
internal sealed record ServedUnit(Assignment Assignment, string Key, int Row)
{
    /// <summary>Whether it was begun.</summary>
    public bool IsBegun { get; set; }

    /// <summary>What it came to; null while it is not done. Shape: [bytes].</summary>
    public byte[]? Values { get; set; }

    /// <summary>Why it could not be done; null where it was, or is not done.</summary>
    public string? Problem { get; set; }

    /// <summary>Whether it could not be done since a file is not there any more.</summary>
    public bool IsMissing { get; set; }

    /// <summary>Whether there is something to tell of it.</summary>
    public bool IsOver => Values is not null || Problem is not null;

    /// <summary>Whether another unit works on the same.</summary>
    public bool Shares(ServedUnit other) =>
        (Assignment.Task, Assignment.Group, Assignment.Input) == (other.Assignment.Task, other.Assignment.Group, other.Assignment.Input);

    /// <summary>What is told of it.</summary>
    /// <param name="most">Bytes at most; the rest is asked for.</param>
    public Outcome Outcome(int most) => new()
    {
        Key = Key,
        Problem = Problem,
        IsMissing = IsMissing,
        Length = Values?.Length ?? 0,
        Bytes = Values is null ? [] : Values.Length <= most ? Values : Values[..most],
    };
}
