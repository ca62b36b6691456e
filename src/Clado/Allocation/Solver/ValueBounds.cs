namespace Clado.Allocation.Solver;

/// <summary>
/// What a relaxation at one value of a budget bounds at the others. Another value changes the constant of the slack alone, and the bound
/// by the slack's multiplier, its price: a line.
/// </summary>
internal sealed class ValueBounds
{
    private readonly int at;
    private readonly double[] offsets;

    /// <summary>Begins without bounds.</summary>
    /// <param name="lifted">The problem, lifted at one of the values.</param>
    /// <param name="range">The values.</param>
    /// <param name="at">Index of the value it is lifted at.</param>
    public ValueBounds(LiftedProblem lifted, BudgetRange range, int at)
    {
        this.at = at;
        bool isOne = range.Budget < 0;
        PricedProduct = isOne ? 0 : lifted.FreeCount + range.Budget;
        offsets = [.. range.Values.Select(value => isOne ? 0 : (value - range.Values[at]) / lifted.SlackScale[range.Budget])];
        Bounds = [.. range.Values.Select(_ => double.NegativeInfinity)];
    }

    /// <summary>The product whose multiplier is the price of the budget.</summary>
    public int PricedProduct { get; }

    /// <summary>No choice within a value has an objective below this. Shape: [values].</summary>
    public double[] Bounds { get; }

    /// <summary>The bound at the value that the problem is lifted at.</summary>
    public double Own => Bounds[at];

    /// <summary>Raises the bounds. Where the prices of a part without choices grow until numbers overflow, the bounds stay.</summary>
    /// <param name="least">A bound at the value that the problem is lifted at.</param>
    /// <param name="price">Its price.</param>
    public void Raise(double least, double price)
    {
        for (int j = 0; j < Bounds.Length; j++)
        {
            double change = offsets[j] * price;
            Bounds[j] = double.MaxNumber(Bounds[j], least - change - (PrimalDualPoint.RoundingUnits * Math.Abs(change)));
        }
    }

    /// <summary>The bounds of a part of the problem.</summary>
    /// <param name="least">A bound of it at the value that the problem is lifted at.</param>
    /// <param name="price">Its price.</param>
    /// <returns>Shape: [values].</returns>
    public double[] Along(double least, double price) =>
        [.. Bounds.Select((bound, j) => double.MaxNumber(bound, least - (offsets[j] * price)))];
}
