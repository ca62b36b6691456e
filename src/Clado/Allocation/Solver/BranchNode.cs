namespace Clado.Allocation.Solver;

/// <summary>A part of the search: the choices of some candidates only, for the budget's values whose bound does not yet close it.</summary>
/// <param name="Allowed">Candidates left. Shape: [n].</param>
/// <param name="Pairs">
/// Candidates of different layers whose products mattered to the bound of the node it comes from; null where such products did not pay at
/// the root. Shape: [pairs].
/// </param>
/// <param name="Bounds">No choice in it that keeps a value of the budget has an objective below this. Shape: [values].</param>
/// <param name="Paid">Kinds whose charge is paid, as bits: the node is of interest for choices that use every one of them.</param>
/// <param name="IsRoot">Whether it is the whole search, or all of it that uses every kind.</param>
internal sealed record BranchNode(bool[] Allowed, IReadOnlyList<(int A, int B)>? Pairs, double[] Bounds, int Paid = 0, bool IsRoot = false);

/// <summary>What looking into a node found.</summary>
/// <param name="Children">Parts that may hold a better choice.</param>
/// <param name="ClosedBounds">
/// No choice of the node outside its children that keeps a value of the budget has an objective below this. Shape: [values].
/// </param>
/// <param name="Choices">Good choices, each within the largest value at least. Shape: [choices][layers].</param>
/// <param name="Work">Cubes of the orders of the relaxations solved.</param>
internal sealed record BranchOutcome(IReadOnlyList<BranchNode> Children, double[] ClosedBounds, IReadOnlyList<int[]> Choices, double Work);

/// <summary>What may go into looking into a node.</summary>
/// <param name="Work">Probing ends where the cubes of the orders of its relaxations add up to this. Range: [0, inf].</param>
/// <param name="ThreadCount">Threads; the outcome does not depend on it. Range: [1, inf).</param>
internal sealed record BranchEffort(double Work, int ThreadCount);
