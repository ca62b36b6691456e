namespace Clado.Allocation.Solver;

/// <summary>A problem for several values of one of its budgets: one search for all of them.</summary>
/// <param name="Problem">The problem; its other budgets hold for every value.</param>
/// <param name="Budget">Index of the budget that changes; −1 where there is no budget.</param>
/// <param name="Values">Its values, ascending. Shape: [values].</param>
internal sealed record BudgetRange(AllocationProblem Problem, int Budget, long[] Values)
{
    /// <summary>A problem as it is: one value.</summary>
    /// <param name="problem">The problem.</param>
    public static BudgetRange Of(AllocationProblem problem) =>
        problem.Budgets.Count == 0 ? new(problem, -1, [0]) : new(problem, 0, [problem.Budgets[0]]);

    /// <summary>Number of values.</summary>
    public int Count => Values.Length;

    /// <summary>The problem at a value.</summary>
    /// <param name="index">Index of the value.</param>
    public AllocationProblem At(int index) => Problem.With(Budget, Values[index]);

    /// <summary>The same with the charge of some kinds paid and no charges left.</summary>
    /// <param name="paid">The kinds, as bits.</param>
    public BudgetRange Paying(int paid) => Problem.Charges is not { } charges ? this : this with
    {
        Problem = Problem.Paying(paid),
        Values = charges.Budget == Budget ? [.. Values.Select(value => value - charges.Of(paid))] : Values,
    };

    /// <summary>Index of the smallest value a choice keeps, the number of values where it keeps none.</summary>
    /// <param name="choice">A choice within the other budgets. Shape: [layers].</param>
    public int From(int[] choice)
    {
        long cost = Budget < 0 ? 0 : Problem.CostsOf(choice)[Budget];
        int first = Array.FindIndex(Values, value => cost <= value);
        return first < 0 ? Count : first;
    }
}
