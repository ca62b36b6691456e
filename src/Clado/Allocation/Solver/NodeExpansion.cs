namespace Clado.Allocation.Solver;

/// <summary>
/// Looks into a node: bounds it, leaves out candidates that its bound rules out, looks for a choice in it and splits it. The outcome
/// depends on the arguments alone.
/// </summary>
internal sealed class NodeExpansion
{
    // Where this few choices are left, looking at all of them is quicker than one relaxation.
    private const double EnumerationLimit = 250;

    // Solve the relaxation again when it has ruled out this share of the candidates it was solved for: it may close the node.
    private const double RepeatShare = 0.2;

    // Ask again what the relaxation rules out when probing has removed this share of the candidates.
    private const double ProbedShare = 0.05;

    // Starts of local search around the rounded relaxation of the root and of every other node.
    private const int RootStarts = 100, NodeStarts = 10;

    private readonly BudgetRange range;
    private readonly BranchNode node;
    private readonly BranchEffort effort;
    private readonly CancellationToken cancellation;

    private readonly OpenValues part;
    private readonly ProductLearning products;

    // Candidates left; narrowed round by round.
    private readonly bool[] allowed;

    // Kinds whose charge is paid, as bits.
    private int paid;

    // The value that relaxations are solved at; −1 where none is chosen yet.
    private int at = -1;

    private int starts;
    private double work;

    private NodeExpansion(BudgetRange range, BranchNode node, double[] cutoffs, BranchEffort effort, CancellationToken cancellation)
    {
        (this.range, this.node, this.effort, this.cancellation) = (range, node, effort, cancellation);
        part = new OpenValues(range, node.Bounds, cutoffs);
        products = new ProductLearning(node.Pairs);
        allowed = [.. node.Allowed];
        paid = node.Paid;
        starts = node.IsRoot ? RootStarts : NodeStarts;
    }

    /// <summary>Looks into a node.</summary>
    /// <param name="range">The problem and the budget's values.</param>
    /// <param name="node">The node.</param>
    /// <param name="cutoffs">Choices of at least this objective are of no interest. Shape: [values].</param>
    /// <param name="effort">Work and threads that may go into it.</param>
    /// <param name="cancellation">Ends early.</param>
    public static BranchOutcome Expand(
        BudgetRange range, BranchNode node, double[] cutoffs, BranchEffort effort, CancellationToken cancellation)
    {
        var expansion = new NodeExpansion(range, node, cutoffs, effort, cancellation);
        while (true)
        {
            if (expansion.Round() is { } outcome)
            {
                return outcome;
            }
        }
    }

    /// <summary>One relaxation and what follows from it; null where another one is worth its time.</summary>
    private BranchOutcome? Round()
    {
        if (Narrow() is not { } paying || TryEnumerate())
        {
            return Outcome([]);
        }
        bool isUndecided = KindSplit.Open(range.Problem, allowed, paid) != 0;
        var relaxed = Relax(paying, isUndecided ? ProductLearning.RelaxationTolerance : products.Tolerance);
        if (!part.IsOpen(at))
        {
            return null;
        }
        Search(relaxed);
        var bounds = new CandidateBounds(relaxed, part.Bounds);
        var mattering = products.AreUsed ? relaxed.Mattering() : null;
        if (RuleOut(relaxed, bounds) >= RepeatShare * relaxed.Candidates.Length)
        {
            products.Restart(mattering);
            return null;
        }
        var left = node with { Allowed = allowed, Pairs = products.Pairs, Bounds = part.Bounds, Paid = paid };
        if (isUndecided)
        {
            // What its choices are charged is not known yet: that comes before all else.
            return Outcome([.. KindSplit.Parts(range.Problem, left, relaxed.Shares, bounds.With)]);
        }
        if (part.AreFarApart(at))
        {
            return Outcome([.. part.Halves().Select(half => left with { Bounds = half })]);
        }
        return products.TryLearn(relaxed, mattering, part.Cutoffs[at], allowed) ? null : Probe(paying, relaxed, bounds, left);
    }

    /// <summary>Pays for what must be paid and leaves out what the budgets rule out.</summary>
    /// <returns>The problem with the charges paid; null where no choice is left.</returns>
    private BudgetRange? Narrow()
    {
        if (!part.Any || !KindSplit.TryPay(range.Problem, allowed, ref paid))
        {
            return null;
        }
        var paying = range.Paying(paid);
        if (!CandidateReduction.ByBudget(paying.At(part.Largest), allowed))
        {
            return null;
        }
        part.CloseBelow(paying, allowed);
        if (!part.IsOpen(at))
        {
            at = part.Middle;
            products.BeginAnew();
        }
        return paying;
    }

    private bool TryEnumerate()
    {
        var problem = range.Problem;
        int[] free = [.. Enumerable.Range(0, problem.LayerCount).Where(layer => Count(layer) > 1)];
        if (free.Aggregate(1.0, (product, layer) => product * Count(layer)) > EnumerationLimit)
        {
            return false;
        }
        part.Enumerate(allowed, free);
        return true;

        int Count(int layer) => allowed.AsSpan(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Count(true);
    }

    private RelaxedNode Relax(BudgetRange paying, double tolerance)
    {
        var lifted = new LiftedProblem(paying.At(at), allowed, products.Pairs ?? []);
        var relaxation = new SemidefiniteRelaxation(lifted, paying, at, effort.ThreadCount);
        relaxation.Solve(part.Cutoffs, tolerance, cancellation);
        work += lifted.Work;
        part.Raise(relaxation.Bounds);
        return new RelaxedNode(lifted, relaxation);
    }

    private void Search(RelaxedNode relaxed)
    {
        var problem = range.At(at);
        if (RoundingHeuristic.Choice(problem, relaxed.Shares, cancellation) is { } rounded)
        {
            part.Offer(LocalSearchAllocator.Around(problem, rounded, relaxed.Shares, starts, cancellation));
            starts = NodeStarts;
        }
    }

    /// <summary>Leaves out the candidates with which no choice passes the cutoffs.</summary>
    /// <returns>How many.</returns>
    private int RuleOut(RelaxedNode relaxed, CandidateBounds bounds)
    {
        int removed = 0;
        foreach (int a in relaxed.Candidates)
        {
            if (part.TryClose(bounds.With[a]))
            {
                allowed[a] = false;
                removed++;
            }
        }
        return removed;
    }

    /// <summary>Relaxes the node with single candidates chosen; splits it where that rules out too few.</summary>
    private BranchOutcome? Probe(BudgetRange paying, RelaxedNode relaxed, CandidateBounds bounds, BranchNode left)
    {
        var probing = new Probing(paying, at, products.Pairs ?? [], part, effort, cancellation);
        int gone = probing.Remove(allowed, bounds);
        work += probing.Work;
        if (gone >= ProbedShare * relaxed.Candidates.Length)
        {
            products.BeginAnew();
            return null;
        }
        var remaining = left with { Pairs = products.Pairs, Bounds = part.Bounds, IsRoot = false };
        return Outcome(LayerSplit.Children(range.Problem, remaining, relaxed.Shares, bounds.With, at));
    }

    private BranchOutcome Outcome(IReadOnlyList<BranchNode> children) => part.Outcome(children, work);
}
