namespace Clado.Allocation.Solver;

/// <summary>
/// What a choice costs of each budget, carried along while layers change: own costs of its candidates and the charge of the kinds it uses.
/// </summary>
internal sealed class ChoiceCosts
{
    private readonly AllocationProblem problem;
    private readonly int[] choice;
    private readonly long[] totals;

    // Layers that use each kind.
    private readonly int[] users;

    /// <summary>Adds up a choice.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="choice">Chosen candidate of each layer; changed by <see cref="Set"/> alone from now on. Shape: [layers].</param>
    public ChoiceCosts(AllocationProblem problem, int[] choice)
    {
        (this.problem, this.choice) = (problem, choice);
        totals = problem.CostsOf(choice);
        users = new int[problem.Charges?.KindCount ?? 0];
        foreach (int chosen in choice)
        {
            Count(chosen, 1);
        }
    }

    /// <summary>Whether the choice keeps every budget.</summary>
    public bool AreKept => Enumerable.Range(0, totals.Length).All(budget => Slack(budget) >= 0);

    /// <summary>What is left of a budget; negative where it is broken.</summary>
    /// <param name="budget">Index of the budget.</param>
    public long Slack(int budget) => problem.Budgets[budget] - totals[budget];

    /// <summary>What a budget pays more when one candidate takes its layer's place, or two do.</summary>
    /// <param name="budget">Index of the budget.</param>
    /// <param name="a">The candidate.</param>
    /// <param name="b">Another, of another layer, or −1.</param>
    public long Change(int budget, int a, int b = -1)
    {
        var cost = problem.Costs[budget];
        int oldA = choice[problem.LayerOf[a]], oldB = b < 0 ? -1 : choice[problem.LayerOf[b]];
        long change = cost[a] - cost[oldA] + (b < 0 ? 0 : cost[b] - cost[oldB]);
        if (problem.Charges is { } charges && charges.Budget == budget)
        {
            int before = UsedKinds();
            Exchange(oldA, a, oldB, b);
            change += charges.Of(UsedKinds()) - charges.Of(before);
            Exchange(a, oldA, b, oldB);
        }
        return change;
    }

    /// <summary>Lets a candidate take its layer's place.</summary>
    /// <param name="a">The candidate.</param>
    public void Set(int a)
    {
        for (int budget = 0; budget < totals.Length; budget++)
        {
            totals[budget] += Change(budget, a);
        }
        int layer = problem.LayerOf[a];
        Exchange(choice[layer], a, -1, -1);
        choice[layer] = a;
    }

    private int UsedKinds()
    {
        int set = 0;
        for (int kind = 0; kind < users.Length; kind++)
        {
            set |= users[kind] > 0 ? 1 << kind : 0;
        }
        return set;
    }

    private void Exchange(int fromA, int toA, int fromB, int toB)
    {
        Count(fromA, -1);
        Count(toA, 1);
        Count(fromB, -1);
        Count(toB, 1);
    }

    private void Count(int candidate, int change)
    {
        if (candidate >= 0 && problem.Charges is { } charges)
        {
            users[charges.KindOf(candidate)] += change;
        }
    }
}
