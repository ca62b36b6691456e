using Clado.Activations;

namespace Clado.Repair;

/// <summary>
/// Looks for 8-bit activations that cost no more than the weights do: other grids for the ranges that cost most, and where these are not
/// enough, floats around as few ranges as do (docs/decisions/2026-11-27-activation-cost.md).
/// </summary>
/// <param name="network">The network with chosen weights, and what it loses.</param>
/// <param name="fits">Whether a file of a plan keeps the size that was promised.</param>
internal sealed class ActivationRepair(ChosenNetwork network, Func<ActivationPlan, bool> fits)
{
    // A repair is looked for on some images, and holds on others only about.
    private const double Margin = 0.75;

    // What it costs to compute in floats where hardly any MACs are, as a share of all: conversions, and kernels that move more bytes.
    private const double ConversionShare = 0.02;

    // Ranges that are put back to integers, one after the other, where the others in floats are enough.
    private const int MostPutBack = 16;

    /// <summary>Looks.</summary>
    /// <param name="usual">All on the usual grids.</param>
    /// <param name="seen">Values of every range in the network with chosen weights. Shape: [ranges].</param>
    /// <param name="measureCosts">Measures what each range costs alone; asked for only where there is something to repair.</param>
    /// <returns>What to write, and what that repairs; the usual grids where there is nothing to repair.</returns>
    public QuantizedActivations Find(
        QuantizedActivations usual, IReadOnlyList<ActivationHistogram> seen, Func<IReadOnlyList<RangeCost>> measureCosts)
    {
        double before = network.Loss(usual);
        // Weights that make outputs no numbers are refused with the file.
        if (!double.IsFinite(network.WeightLoss) || ActivationEffect.IsAcceptable(network.WeightLoss, before))
        {
            return usual;
        }
        var costs = measureCosts();
        var (grids, after) = WithRules(usual, seen, costs, before);
        var ruled = grids == usual ? [] : costs.Where(cost => cost.Loss < cost.Usual).ToList();
        var floats = new List<int>();
        var repaired = grids;
        if (!ActivationEffect.IsAcceptable(network.WeightLoss, after))
        {
            floats = Fewest(grids, Order(grids.Plan, [.. costs.Select(cost => grids == usual ? cost.Usual : cost.Loss)]));
            repaired = WithFloats(grids, floats);
            after = network.Loss(repaired);
        }
        RepairedTensor Tensor(RangeCost cost) =>
            new(usual.Plan.Ranges[cost.Range], cost.Usual, floats.Contains(cost.Range) ? "float" : cost.Rule.Name);
        var tensors = costs.Where(cost => floats.Contains(cost.Range) || ruled.Contains(cost)).OrderByDescending(cost => cost.Usual);
        var effect = new RepairEffect
        {
            Images = network.Images,
            WeightLoss = network.WeightLoss,
            LossBefore = before,
            LossAfter = after,
            FloatMacsBefore = network.FloatMacs(usual.Plan),
            FloatMacs = network.FloatMacs(repaired.Plan),
            Tensors = [.. tensors.Select(Tensor)],
        };
        return new QuantizedActivations(repaired.Plan, repaired.Ranges) { Repair = effect };
    }

    /// <summary>Every range on the grid of its best rule, where that loses less together, too.</summary>
    private (QuantizedActivations Activations, double Loss) WithRules(
        QuantizedActivations usual, IReadOnlyList<ActivationHistogram> seen, IReadOnlyList<RangeCost> costs, double before)
    {
        if (costs.All(cost => cost.Loss >= cost.Usual))
        {
            return (usual, before);
        }
        var intervals = seen.Zip(costs, (range, cost) => cost.Rule.Interval(range));
        var chosen = new QuantizedActivations(usual.Plan, ActivationRanges.Of(intervals));
        double after = network.Loss(chosen);
        return after < before ? (chosen, after) : (usual, before);
    }

    /// <summary>The ranges in the order in which floats around them are worth most: by what they cost, for the MACs it takes.</summary>
    /// <param name="plan">The ranges.</param>
    /// <param name="costs">What each costs alone. Shape: [ranges].</param>
    private static int[] Order(ActivationPlan plan, double[] costs)
    {
        double least = Math.Max(1, ConversionShare * plan.Nodes.Sum(ChosenNetwork.MacsOf));
        var (left, floats, order) = (Enumerable.Range(0, costs.Length).ToList(), new HashSet<int>(), new List<int>());
        var macs = plan.Nodes.GroupBy(node => node.Node).ToDictionary(node => node.Key, node => node.Sum(ChosenNetwork.MacsOf));
        while (left.Count > 0)
        {
            double Price(int range) => least + plan.Kernels[range].Except(floats).Sum(node => macs.GetValueOrDefault(node));
            int next = left.MaxBy(range => costs[range] / Price(range));
            left.Remove(next);
            order.Add(next);
            floats.UnionWith(plan.Kernels[next]);
        }
        return [.. order];
    }

    /// <summary>As few of the first ranges in floats as are enough; all, where none are.</summary>
    /// <param name="grids">The grids of the others.</param>
    /// <param name="order">The ranges, those to begin with first. Shape: [ranges].</param>
    private List<int> Fewest(QuantizedActivations grids, int[] order)
    {
        int failing = 0, enough = 1;
        while (enough < order.Length && !IsEnough(grids, order[..enough]))
        {
            (failing, enough) = (enough, Math.Min(order.Length, 2 * enough));
        }
        while (enough - failing > 1)
        {
            int middle = (failing + enough) / 2;
            (failing, enough) = IsEnough(grids, order[..middle]) ? (failing, middle) : (middle, enough);
        }
        var floats = order[..enough].ToList();
        // The last one was what made it enough. Of the others, those whose kernels work most come first.
        var others = floats.SkipLast(1).OrderByDescending(range => ChosenNetwork.Macs(grids.Plan, range)).ToArray();
        foreach (int range in others.Take(MostPutBack))
        {
            int[] without = [.. floats.Where(other => other != range)];
            if (IsEnough(grids, without))
            {
                floats.Remove(range);
            }
        }
        return floats;
    }

    private bool IsEnough(QuantizedActivations grids, IReadOnlyList<int> floats)
    {
        var activations = WithFloats(grids, floats);
        return fits(activations.Plan) && ActivationEffect.IsAcceptable(network.WeightLoss, network.Loss(activations), Margin);
    }

    /// <summary>The kernels of some ranges in floats: these ranges are rounded no more, and others keep their grids.</summary>
    private QuantizedActivations WithFloats(QuantizedActivations grids, IReadOnlyList<int> floats)
    {
        var plan = network.Plan(floats.SelectMany(range => grids.Plan.Kernels[range]).ToHashSet());
        var rangeOf = grids.Plan.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Range);
        int[] ranges = [.. plan.Ranges.Select(name => rangeOf[name])];
        return new QuantizedActivations(plan, new ActivationRanges(
            [.. ranges.Select(range => grids.Ranges.Scales[range])], [.. ranges.Select(range => grids.Ranges.ZeroPoints[range])]));
    }
}
