using System.Globalization;
using Clado.Allocation;
using Clado.Candidates;
using Clado.Curves;
using Clado.Sensitivity;

namespace Clado;

/// <summary>A point of a curve that is wanted.</summary>
/// <param name="Method">How its bits are chosen.</param>
/// <param name="Budget">The budget; of a uniform network its width, such as 4bit.</param>
internal sealed record WantedPoint(CurveMethod Method, string Budget);

/// <summary>Chooses the networks of a curve.</summary>
/// <param name="run">The run.</param>
/// <param name="rounds">Rounds of measuring around each choice at most; null for the default.</param>
/// <param name="cancellation">Stops.</param>
internal sealed class CurveChoices(MeasuredRun run, int? rounds, CancellationToken cancellation)
{
    /// <summary>Widths that were measured, ascending. Shape: [widths].</summary>
    public int[] Widths { get; } = [.. run.Candidates.Select(c => c.Bits).Distinct().Order()];

    /// <summary>Bytes of the smallest file and of the one with all layers at their widest.</summary>
    public (long Smallest, long Largest) Range => (Diagonal("none").SmallestBytes, run.Uniform(Widths[^1]).SizeBytes);

    /// <summary>The choice of least single losses.</summary>
    /// <param name="budget">The budget.</param>
    public AllocationResult Diagonal(string budget) => run.Solve(Surrogate.Diagonal(run.Sensitivity), budget);

    /// <summary>Chooses the bits of a point; nothing is measured of it yet.</summary>
    /// <param name="point">The point.</param>
    public (CurvePoint Point, AllocationResult Choice) Choose(WantedPoint point)
    {
        var choice = point.Method switch
        {
            CurveMethod.Uniform => run.Uniform(int.Parse(point.Budget[..^"bit".Length], CultureInfo.InvariantCulture)),
            CurveMethod.Diagonal => Diagonal(point.Budget),
            _ => run.Choose(point.Budget, null, rounds, null, cancellation),
        };
        return (Of(point, choice), choice);
    }

    private static CurvePoint Of(WantedPoint point, AllocationResult choice) => new()
    {
        Method = point.Method,
        Budget = point.Budget,
        BudgetBytes = point.Method == CurveMethod.Uniform ? choice.SizeBytes : choice.Budget.FileBytes,
        SizeBytes = choice.SizeBytes,
        BitsPerWeight = choice.BitsPerWeight,
        PredictedLoss = choice.PredictedLoss,
        Gap = double.IsFinite(choice.Gap) ? choice.Gap : null,
        Allocation = choice.Chosen.ToDictionary(c => c.Layer.Name, c => c.Bits),
        RowWidths = RowWidthsOf(choice.Chosen),
    };

    /// <summary>Rows by their width, of layers whose rows have several; null where none have.</summary>
    /// <param name="chosen">One candidate a layer. Shape: [layers].</param>
    private static Dictionary<string, IReadOnlyDictionary<int, int>>? RowWidthsOf(IEnumerable<Candidate> chosen)
    {
        var mixed = chosen.Where(candidate => !candidate.IsWhole).ToDictionary(
            candidate => candidate.Layer.Name,
            candidate => (IReadOnlyDictionary<int, int>)candidate.RowBits!.CountBy(bits => bits).OrderBy(own => own.Key).ToDictionary());
        return mixed.Count > 0 ? mixed : null;
    }
}
