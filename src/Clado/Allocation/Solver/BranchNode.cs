namespace Clado.Allocation.Solver;

/// <summary>A part of the search: the choices of some candidates only.</summary>
/// <param name="Allowed">Candidates left. Shape: [n].</param>
/// <param name="Pairs">Candidates of different layers whose products mattered to the bound of the node it comes from; null where such products did
/// not pay at the root. Shape: [pairs].</param>
/// <param name="Bound">No choice in it has an objective below this.</param>
/// <param name="IsRoot">Whether it is the whole search.</param>
internal sealed record BranchNode(bool[] Allowed, IReadOnlyList<(int A, int B)>? Pairs, double Bound, bool IsRoot = false);

/// <summary>What looking into a node found.</summary>
/// <param name="Children">Parts that may hold a better choice.</param>
/// <param name="ClosedBound">No choice of the node outside its children has an objective below this.</param>
/// <param name="Choice">A choice within the budgets, or null. Shape: [layers].</param>
/// <param name="Work">Cubes of the orders of the relaxations solved.</param>
internal sealed record BranchOutcome(IReadOnlyList<BranchNode> Children, double ClosedBound, int[]? Choice, double Work);

/// <summary>What may go into looking into a node.</summary>
/// <param name="Work">Probing ends where the cubes of the orders of its relaxations add up to this. Range: [0, inf].</param>
/// <param name="ThreadCount">Threads; the outcome does not depend on it. Range: [1, inf).</param>
internal sealed record BranchEffort(double Work, int ThreadCount);
