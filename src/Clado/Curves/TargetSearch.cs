namespace Clado.Curves;

/// <summary>Finds the smallest network that meets a condition, by bisection over budgets.</summary>
internal static class TargetSearch
{
    // Bisection ends where the sizes that meet the condition and those that do not are this close: more would hardly change the size.
    private const double Tolerance = 1.0 / 256;

    /// <summary>
    /// Finds it. That larger networks do better only guides the search: the point returned was measured, and no smaller point that was
    /// measured meets the condition.
    /// </summary>
    /// <param name="known">Points that are measured already. Shape: [points].</param>
    /// <param name="smallest">Bytes of the smallest file.</param>
    /// <param name="largest">Bytes of the largest file worth having.</param>
    /// <param name="keeps">Whether a point meets the condition.</param>
    /// <param name="measure">Measures the point of a budget of bytes.</param>
    /// <returns>The smallest point found that meets it, or null where none does.</returns>
    public static CurvePoint? Find(
        IReadOnlyList<CurvePoint> known, long smallest, long largest, Func<CurvePoint, bool> keeps, Func<long, CurvePoint> measure)
    {
        var best = known.Where(keeps).MinBy(p => p.SizeBytes);
        if (best is null && measure(largest) is var last && keeps(last))
        {
            best = last;
        }
        if (best is null)
        {
            return null;
        }
        long failing = known.Where(p => p.SizeBytes < best.SizeBytes).Select(p => p.BudgetBytes ?? p.SizeBytes)
            .Where(budget => budget < best.SizeBytes).DefaultIfEmpty(smallest - 1).Max();
        while (best.SizeBytes - failing > 1 && best.SizeBytes - failing > best.SizeBytes * Tolerance)
        {
            long budget = failing + ((best.SizeBytes - failing) / 2);
            var point = measure(budget);
            if (keeps(point))
            {
                best = point;
            }
            else
            {
                failing = budget;
            }
        }
        return best;
    }
}
