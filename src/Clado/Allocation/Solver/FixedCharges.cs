using System.Numerics;

namespace Clado.Allocation.Solver;

/// <summary>
/// What a choice pays of one budget once for all candidates of a kind it uses, beside their own costs: in a file, the function that unpacks
/// a bit-width. A fixed-charge problem (Hirsch and Dantzig, Naval Research Logistics Quarterly 15, 1968), with charges of sets of kinds, so
/// that they need not add up. Sets of kinds are written as bits: kind 0 is 1, kind 1 is 2, and so on.
/// </summary>
internal sealed record FixedCharges
{
    // One number a set: a byte each of the widths 2 to 8 makes 128, and 65,536 would still be little.
    private const int MostKinds = 16;

    private readonly int[] kindOf;
    private readonly long[] ofSet;

    /// <summary>Creates and checks charges.</summary>
    /// <param name="budget">Index of the budget that pays.</param>
    /// <param name="kindOf">Kind of each candidate. Shape: [n]. Range: [0, 16).</param>
    /// <param name="ofSet">
    /// Charge of each set of kinds: 0 for none, and never less for more kinds. Shape: [2^kinds]. Range: [0, 2^53].
    /// </param>
    /// <exception cref="ArgumentException">A length or a number does not fit.</exception>
    public FixedCharges(int budget, IReadOnlyList<int> kindOf, IReadOnlyList<long> ofSet)
    {
        ArgumentNullException.ThrowIfNull(kindOf);
        ArgumentNullException.ThrowIfNull(ofSet);
        ArgumentOutOfRangeException.ThrowIfNegative(budget);
        KindCount = BitOperations.Log2((uint)Math.Max(1, ofSet.Count));
        if (ofSet.Count != 1 << KindCount || KindCount > MostKinds || kindOf.Any(kind => kind < 0 || kind >= KindCount))
        {
            throw new ArgumentException($"{ofSet.Count} charges: every set of the kinds of candidates, at most {MostKinds}, wants one");
        }
        for (int set = 0; set < ofSet.Count; set++)
        {
            bool falls = Enumerable.Range(0, KindCount).Any(kind => ofSet[set] < ofSet[set & ~(1 << kind)]);
            if (ofSet[set] is < 0 or > AllocationProblem.MostCost || ofSet[0] != 0 || falls)
            {
                throw new ArgumentException("charges must lie in 0 to 2^53, begin at 0 and not fall where a kind is added");
            }
        }
        (Budget, this.kindOf, this.ofSet) = (budget, [.. kindOf], [.. ofSet]);
    }

    /// <summary>Index of the budget that pays.</summary>
    public int Budget { get; }

    /// <summary>Number of kinds.</summary>
    public int KindCount { get; }

    /// <summary>Number of candidates.</summary>
    public int CandidateCount => kindOf.Length;

    /// <summary>Kind of a candidate. Range: [0, kinds).</summary>
    /// <param name="candidate">The candidate.</param>
    public int KindOf(int candidate) => kindOf[candidate];

    /// <summary>Charge of a set of kinds.</summary>
    /// <param name="set">The set, as bits. Range: [0, 2^kinds).</param>
    public long Of(int set) => ofSet[set];

    /// <summary>The kinds of some candidates, as bits.</summary>
    /// <param name="candidates">The candidates. Shape: [any].</param>
    public int SetOf(ReadOnlySpan<int> candidates)
    {
        int set = 0;
        foreach (int candidate in candidates)
        {
            set |= 1 << kindOf[candidate];
        }
        return set;
    }

    /// <summary>The same, paid by a budget of another index.</summary>
    /// <param name="budget">Index of the budget.</param>
    internal FixedCharges PaidBy(int budget) => new(budget, kindOf, ofSet);

    /// <summary>The charges of candidates given in other places.</summary>
    /// <param name="rows">For each new candidate one of these that has its kind. Shape: [new candidates].</param>
    internal FixedCharges Of(IEnumerable<int> rows) => new(Budget, [.. rows.Select(row => kindOf[row])], ofSet);
}
