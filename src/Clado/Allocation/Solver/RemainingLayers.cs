namespace Clado.Allocation.Solver;

/// <summary>What the layers still to come cost and add at least, in a separable problem.</summary>
internal sealed class RemainingLayers
{
    // Partial sums are rounded: keep what ties with the ceiling. Sums of a thousand layers are off by some 1e-13 of their size.
    private const double Slack = 1e-12;

    private readonly AllocationProblem problem;

    // From each layer on, for each budget: the least cost; and the least objective where a unit of the cost has its best price.
    private readonly long[][] leastCost;
    private readonly (double Multiplier, double[] Sum)[] priced;

    /// <summary>Adds up the layers from the last one on.</summary>
    /// <param name="problem">The problem; has no charges.</param>
    public RemainingLayers(AllocationProblem problem)
    {
        this.problem = problem;
        leastCost = [.. problem.Costs.Select(cost => Suffixes(a => cost[a], (x, y) => x + y))];
        priced = [.. problem.Costs.Select((cost, k) =>
        {
            double multiplier = SeparableBound.Multiplier(problem, k);
            return (multiplier, Suffixes(a => problem.Matrix[(a * problem.CandidateCount) + a] + (multiplier * cost[a]), (x, y) => x + y));
        })];
    }

    /// <summary>Whether a choice for the first layers may lead to one within the budgets and not above a ceiling.</summary>
    /// <param name="objective">Its objective.</param>
    /// <param name="costs">What it costs. Shape: [budgets].</param>
    /// <param name="layer">The first layer still to come.</param>
    /// <param name="ceiling">The ceiling.</param>
    public bool MayBeat(double objective, long[] costs, int layer, double ceiling)
    {
        for (int k = 0; k < costs.Length; k++)
        {
            var (multiplier, sum) = priced[k];
            double charged = multiplier * (costs[k] - problem.Budgets[k]);
            double rounding = Slack * (Math.Abs(ceiling) + Math.Abs(charged) + Math.Abs(sum[0]));
            if (costs[k] + leastCost[k][layer] > problem.Budgets[k] || objective + charged + sum[layer] > ceiling + rounding)
            {
                return false;
            }
        }
        return true;
    }

    private T[] Suffixes<T>(Func<int, T> value, Func<T, T, T> add)
        where T : struct
    {
        var sums = new T[problem.LayerCount + 1];
        for (int layer = problem.LayerCount - 1; layer >= 0; layer--)
        {
            sums[layer] = add(sums[layer + 1], problem.CandidatesOf(layer).Min(value));
        }
        return sums;
    }
}
