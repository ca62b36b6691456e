namespace Clado.Cluster.Coordination;

/// <summary>Who does units.</summary>
internal interface IUnitHolder
{
    /// <summary>What it is called.</summary>
    string Name { get; }

    /// <summary>Units it does side by side. Range: [1, inf).</summary>
    int Threads { get; }
}

/// <summary>All who do units of a coordinator.</summary>
internal interface IUnitCrew
{
    /// <summary>How many answer, and may take part.</summary>
    int UsableCount { get; }

    /// <summary>Says that nobody is there who does units, where that has been so for a while.</summary>
    void SayWhereNobodyIs();

    /// <summary>Hands out no more units of a task.</summary>
    void End(UnitBoard board);
}
