using Clado.Candidates;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>
/// Compares what gradients say with a few forward differences, from the narrowest width up, since it is large changes that gradients do
/// not describe (docs/method.md, "Checks"). The candidates of a width that they do not describe are measured forward, all of them: it is
/// those that lose little which are chosen.
/// </summary>
internal static class GradientChecks
{
    // Images that both are taken on, and candidates a width: a check costs about as much as a pass over all images.
    internal const int ImageCount = 128;
    private const int MostCandidates = 8;

    /// <summary>Compares.</summary>
    /// <param name="inputs">What is going to be measured.</param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="records">Finished units: read and added to.</param>
    /// <returns>The widths that were looked at, narrowest first: all but the last do not agree. Shape: [widths].</returns>
    public static IReadOnlyList<GradientCheck> Measure(MeasurementInputs inputs, SensitivityOptions options, IRecordStore records)
    {
        var some = inputs with { Work = inputs.Work with { Images = inputs.Work.Images.Spread(ImageCount) }, Part = "check/" };
        var gradients = SensitivityMeasurement.Measure(some, [], options with { Estimator = "fisher" }, records);
        var items = inputs.Candidates.Items;
        var checks = new List<GradientCheck>();
        foreach (int bits in items.Where(c => c.IsWhole).Select(c => c.Bits).Distinct().Order())
        {
            int[] rows = [.. RowsOf(inputs.Candidates, bits).OrderByDescending(gradients.LossIncrease).Take(MostCandidates).Order()];
            var few = some with
            {
                Candidates = new CandidateSet(inputs.Candidates.Layers, [.. rows.Select(row => items[row])]),
                Part = $"check/{bits}/",
            };
            var forward = SensitivityMeasurement.Measure(few, [], options with { Estimator = "diagonal" }, records);
            checks.Add(new GradientCheck(
                bits, rows.Length, rows.Sum(gradients.LossIncrease), Enumerable.Range(0, rows.Length).Sum(forward.LossIncrease)));
            if (checks[^1].Agrees)
            {
                break;
            }
        }
        return checks;
    }

    /// <summary>
    /// The candidates that have to be measured forward: those of widths that do not agree, and where a choice stands at such a width, all
    /// of the layer, since leaving it is as large a change.
    /// </summary>
    /// <param name="candidates">All of them.</param>
    /// <param name="checks">What the checks came to. Shape: [widths].</param>
    /// <param name="choice">Row of each layer's candidate where it is measured; empty for the float network. Shape: [layers].</param>
    /// <returns>Their rows, ascending. Shape: [candidates].</returns>
    public static IReadOnlyList<int> Forward(CandidateSet candidates, IReadOnlyList<GradientCheck> checks, IReadOnlyList<int> choice)
    {
        var wide = checks.Where(check => !check.Agrees).Select(check => check.Bits).ToHashSet();
        bool IsLarge(int row) => candidates.Items[row] is var item && (item.RowBits ?? [item.Bits]).Any(wide.Contains);
        var layers = choice.Where(IsLarge).Select(row => candidates.LayerOf[row]).ToHashSet();
        return [.. Enumerable.Range(0, candidates.Items.Count).Where(row => IsLarge(row) || layers.Contains(candidates.LayerOf[row]))];
    }

    /// <summary>Those that have most likely to be, before anything is known: the narrowest of each layer. Shape: [candidates].</summary>
    /// <param name="candidates">All of them.</param>
    public static IReadOnlyList<int> Likely(CandidateSet candidates) =>
        [.. candidates.LayerOf.Index().DistinctBy(row => row.Item).Select(row => row.Index)];

    private static IEnumerable<int> RowsOf(CandidateSet candidates, int bits) =>
        candidates.Items.Index().Where(c => c.Item.IsWhole && c.Item.Bits == bits).Select(c => c.Index);
}
