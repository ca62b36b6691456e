namespace Clado.Allocation;

/// <summary>What is known of a choice of bits.</summary>
public enum AllocationStatus
{
    /// <summary>No choice within the limits has an objective lower by more than a millionth of it.</summary>
    Optimal,

    /// <summary>The limits are kept; a better choice may exist, not better than the bound.</summary>
    Feasible,

    /// <summary>No choice keeps the limits.</summary>
    Infeasible,

    /// <summary>No choice that keeps the limits was found before the search had to end; there may be one.</summary>
    Unknown,
}
