using Clado.Execution;

namespace Clado.Cluster.Coordination;

/// <summary>A unit that is not kept yet.</summary>
/// <param name="unit">The unit.</param>
internal sealed class BoardUnit(RemoteUnit unit)
{
    /// <summary>The unit.</summary>
    public RemoteUnit Unit => unit;

    /// <summary>Who has it to do.</summary>
    public HashSet<IUnitHolder> Holders { get; } = [];

    /// <summary>When it was given away last.</summary>
    public DateTimeOffset Since { get; set; }

    /// <summary>Where it failed. Shape: [failures].</summary>
    public List<IUnitHolder> Failures { get; } = [];

    /// <summary>How many workers were lost that had it to do.</summary>
    public int Losses { get; set; }

    /// <summary>Whether what it came to is being kept.</summary>
    public bool IsOver { get; set; }
}

/// <summary>Units with an input in common.</summary>
/// <param name="Index">The group. Range: [0, groups).</param>
internal sealed record BoardGroup(int Index)
{
    /// <summary>Units that nobody has to do, in order.</summary>
    public LinkedList<BoardUnit> Pending { get; } = [];

    /// <summary>Units that are not kept yet.</summary>
    public int Left { get; set; }

    /// <summary>Who works on it, or did last.</summary>
    public HashSet<IUnitHolder> Workers { get; } = [];

    /// <summary>Hash of its input, once that was made.</summary>
    public string? Input { get; set; }
}
