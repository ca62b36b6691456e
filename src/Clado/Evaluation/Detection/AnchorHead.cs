using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>
/// A box and scores of all classes at every place that the network looks at. Which of them are detections is left to its user: scores
/// that are high enough, the highest of those that overlap.
/// </summary>
/// <param name="boxes">Four columns.</param>
/// <param name="form">What they are.</param>
/// <param name="scores">How scores are read.</param>
/// <param name="names">Names of the outputs. Shape: [outputs].</param>
internal sealed class AnchorHead(BoxColumns boxes, BoxForm form, AnchorScores scores, IReadOnlyList<string> names) : DetectionHead
{
    /// <inheritdoc/>
    public override string Description => $"a box a place, {form.Description}, of '{names[boxes.Output]}', {scores.Description} of "
        + $"'{names[scores.Classes.Output]}'; of boxes of a class that overlap by more than "
        + FormattableString.Invariant($"{Suppression.MostOverlap} the highest score is kept");

    /// <inheritdoc/>
    public override IReadOnlyList<Detection> Read(IReadOnlyList<ModelOutput> outputs, double threshold)
    {
        var places = boxes.Of(outputs);
        var found = new List<Detection>();
        var row = new float[scores.Classes.Count];
        var reader = scores.On(outputs);
        for (int place = 0; place < places.Rows; place++)
        {
            reader(place, row);
            for (int own = 0; own < row.Length; own++)
            {
                if (own != scores.Background && row[own] >= threshold)
                {
                    found.Add(new Detection(form.Read(places, place), row[own], own));
                }
            }
        }
        return Suppression.Apply(found);
    }
}
