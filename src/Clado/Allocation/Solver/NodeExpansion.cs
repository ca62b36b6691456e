namespace Clado.Allocation.Solver;

/// <summary>Bounds a node, leaves out candidates its bound rules out, looks for a choice in it and splits it. A function of its arguments alone.</summary>
internal static class NodeExpansion
{
    // Where this few choices are left, looking at all of them is quicker than one relaxation.
    private const double EnumerationLimit = 250;

    // A relaxation ends when it can no longer close more than one part in five of the way to the cutoff: what it rules out and where it splits
    // changes little after that. Measured, 0.02 costs twice the time.
    private const double RelaxationTolerance = 0.8;

    // Whether products pay is a comparison of two bounds, and wants both near their best.
    private const double ComparedTolerance = 0.05;

    // Solve the relaxation again when it has ruled out this share of the candidates it was solved for: it may close the node.
    private const double RepeatShare = 0.2;

    // Ask again what the relaxation rules out when probing has removed this share of the candidates.
    private const double ProbedShare = 0.05;

    // The first round at the root must close this share of the way to the cutoff, or no node knows products: measured, it pays for indefinite
    // matrices, where it closes nearly all, and costs more than it brings for semidefinite ones, where it closes a fifth to a half.
    private const double PayingShare = 0.75;

    // Another round must close this share, or splitting pays more.
    private const double ClosingShare = 0.3;

    // Starts of local search around the rounded relaxation of the root and of every other node.
    private const int RootStarts = 100, NodeStarts = 10;

    // Products learned at most a round, and in all, for each coordinate: the cost of a step grows with the cube of their number.
    private const int PairsPerRound = 4, PairsPerNode = 10;

    // Products above −1e-4 are noise of an unfinished relaxation; multipliers below this share of the bound count for nothing.
    private const double LeastViolation = 1e-4, LeastWeight = 1e-5;

    /// <summary>Looks into a node.</summary>
    /// <param name="range">The problem and the budget's values.</param>
    /// <param name="node">The node.</param>
    /// <param name="cutoffs">Choices of at least this objective are of no interest. Shape: [values].</param>
    /// <param name="effort">Work and threads that may go into it.</param>
    /// <param name="cancellation">Ends early.</param>
    public static BranchOutcome Expand(BudgetRange range, BranchNode node, double[] cutoffs, BranchEffort effort, CancellationToken cancellation)
    {
        bool[] allowed = [.. node.Allowed];
        var part = new OpenValues(range, node.Bounds, cutoffs);
        double before = double.NegativeInfinity, work = 0;
        var pairs = node.Pairs;
        bool tried = pairs is null || pairs.Count > 0, searched = !node.IsRoot;
        int at = -1, paid = node.Paid;
        while (true)
        {
            if (!part.Any || !KindSplit.TryPay(range.Problem, allowed, ref paid))
            {
                return part.Closed(work);
            }
            var paying = range.Paying(paid);
            if (!CandidateReduction.ByBudget(paying.At(part.Largest), allowed))
            {
                return part.Closed(work);
            }
            part.CloseBelow(paying, allowed);
            (at, before) = part.IsOpen(at) ? (at, before) : (part.Middle, double.NegativeInfinity);
            var problem = range.At(at);
            int[] free = [.. Enumerable.Range(0, problem.LayerCount).Where(layer => Count(problem, allowed, layer) > 1)];
            if (free.Aggregate(1.0, (product, layer) => product * Count(problem, allowed, layer)) <= EnumerationLimit)
            {
                part.Enumerate(allowed, free);
                return part.Closed(work);
            }
            bool isUndecided = KindSplit.Open(problem, allowed, paid) != 0;
            var lifted = new LiftedProblem(paying.At(at), allowed, pairs ?? []);
            var relaxation = new SemidefiniteRelaxation(lifted, paying, at, effort.ThreadCount);
            relaxation.Solve(part.Cutoffs, tried || isUndecided ? RelaxationTolerance : ComparedTolerance, cancellation);
            work += lifted.Work;
            part.Raise(relaxation.Bounds);
            if (!part.IsOpen(at))
            {
                continue;
            }
            double[] share = Shares(problem, lifted, relaxation);
            if (Rounding.Choice(problem, share, cancellation) is { } rounded)
            {
                part.Offer(LocalSearchAllocator.Around(problem, rounded, share, searched ? NodeStarts : RootStarts, cancellation));
                searched = true;
            }
            var (with, estimate) = (new double[problem.CandidateCount][], new double[problem.CandidateCount]);
            int removed = 0;
            for (int c = 0; c < lifted.Candidates.Length; c++)
            {
                int a = lifted.Candidates[c];
                (with[a], estimate[a]) = ([.. relaxation.BoundsWith(c).Zip(part.Bounds, Math.Max)], relaxation.ObjectiveWith(c));
                if (part.TryClose(with[a]))
                {
                    allowed[a] = false;
                    removed++;
                }
            }
            (int A, int B)[]? mattering = pairs is null ? null : [.. Mattering(lifted, relaxation, relaxation.Bound)];
            if (removed >= RepeatShare * lifted.Candidates.Length)
            {
                // Another problem now: whether products pay is asked anew.
                (pairs, before) = (tried ? mattering : [], double.NegativeInfinity);
                continue;
            }
            var left = node with { Allowed = allowed, Pairs = pairs, Bounds = part.Bounds, Paid = paid };
            if (isUndecided)
            {
                // What its choices are charged is not known yet: that comes before all else.
                return part.Outcome([.. KindSplit.Parts(problem, left, share, with)], work);
            }
            if (part.AreFarApart(at))
            {
                return part.Outcome([.. part.Halves().Select(bounds => left with { Bounds = bounds })], work);
            }
            double cutoff = part.Cutoffs[at], bound = part.Bounds[at];
            double closedShare = double.IsNegativeInfinity(before) ? 1 : (relaxation.Bound - before) / (cutoff - before);
            if (!tried && !double.IsNegativeInfinity(before))
            {
                (mattering, tried) = (closedShare < PayingShare ? null : mattering, true);
            }
            List<(int A, int B)> violated = mattering is null || closedShare < ClosingShare || mattering.Length > PairsPerNode * lifted.Order
                ? [] : Violated(lifted, relaxation, allowed);
            if (violated.Count > 0)
            {
                pairs = [.. mattering!, .. violated];
                before = relaxation.Bound;
                continue;
            }
            var probing = new Probing(paying, at, mattering ?? [], part, effort, cancellation);
            int gone = probing.Remove(allowed, with, estimate);
            work += probing.Work;
            if (gone < ProbedShare * lifted.Candidates.Length)
            {
                return part.Outcome(Split(problem, left with { Pairs = mattering, Bounds = part.Bounds, IsRoot = false }, share, with, at), work);
            }
            (pairs, before) = (mattering, double.NegativeInfinity);
        }
    }

    /// <summary>The pairs of candidates whose product the relaxation takes most below 0.</summary>
    private static List<(int A, int B)> Violated(LiftedProblem lifted, SemidefiniteRelaxation relaxation, bool[] allowed)
    {
        var violated = new List<(double Share, int A, int B)>();
        for (int a = 0; a < lifted.Candidates.Length; a++)
        {
            for (int b = a + 1; b < lifted.Candidates.Length; b++)
            {
                if (relaxation.Share(a, b) is var share && share < -LeastViolation && allowed[lifted.Candidates[a]] && allowed[lifted.Candidates[b]])
                {
                    violated.Add((share, lifted.Candidates[a], lifted.Candidates[b]));
                }
            }
        }
        return [.. violated.Order().Take(PairsPerRound * lifted.Order).Select(v => (v.A, v.B))];
    }

    private static IEnumerable<(int A, int B)> Mattering(LiftedProblem lifted, SemidefiniteRelaxation relaxation, double bound) =>
        from product in Enumerable.Range(lifted.PairStart, lifted.Products.Length - lifted.PairStart)
        where relaxation.Weight(product) > LeastWeight * Math.Abs(bound)
        select (lifted.Candidates[lifted.Products[product].A], lifted.Candidates[lifted.Products[product].B]);

    private static double[] Shares(AllocationProblem problem, LiftedProblem lifted, SemidefiniteRelaxation relaxation)
    {
        var share = new double[problem.CandidateCount];
        foreach (int chosen in lifted.Base)
        {
            share[chosen] = 1;
        }
        for (int c = 0; c < lifted.Candidates.Length; c++)
        {
            share[lifted.Candidates[c]] = relaxation.Share(c);
        }
        return share;
    }

    /// <summary>One child for each candidate of the layer whose choice decides most.</summary>
    private static List<BranchNode> Split(AllocationProblem problem, BranchNode node, double[] share, double[][] with, int at)
    {
        bool[] allowed = node.Allowed;
        var (split, best) = (-1, double.NegativeInfinity);
        for (int layer = 0; layer < problem.LayerCount; layer++)
        {
            int[] left = [.. Enumerable.Range(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Where(a => allowed[a])];
            if (left.Length > 1 && Score(left, share, with, at, node.Bounds[at]) is var score && score > best)
            {
                (split, best) = (layer, score);
            }
        }
        if (split < 0)
        {
            return [node];
        }
        var children = new List<BranchNode>();
        for (int a = problem.Start[split]; a < problem.Start[split + 1]; a++)
        {
            if (allowed[a])
            {
                bool[] fewer = [.. allowed];
                fewer.AsSpan(problem.Start[split], problem.Start[split + 1] - problem.Start[split]).Clear();
                fewer[a] = true;
                children.Add(node with { Allowed = fewer, Bounds = with[a] });
            }
        }
        return children;
    }

    private static double Score(int[] left, double[] share, double[][] with, int at, double bound)
    {
        // What a relaxed choice would be raised by if it had to decide, weighted by how far it is from deciding.
        double raised = left.Sum(a => share[a] * share[a] * (with[a][at] - bound));
        return (1 - left.Max(a => share[a])) * Math.Sqrt(raised);
    }

    private static int Count(AllocationProblem problem, bool[] allowed, int layer) =>
        allowed.AsSpan(problem.Start[layer], problem.Start[layer + 1] - problem.Start[layer]).Count(true);
}
