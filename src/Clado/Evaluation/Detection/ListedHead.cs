using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>Boxes that the network has chosen itself: a row each, with a score and a class.</summary>
/// <param name="boxes">Four columns.</param>
/// <param name="form">What they are.</param>
/// <param name="scores">One column, or null where there is none.</param>
/// <param name="classes">One column, or null where there is but one class.</param>
/// <param name="names">Names of the outputs. Shape: [outputs].</param>
internal sealed class ListedHead(
    BoxColumns boxes, BoxForm form, BoxColumns? scores, BoxColumns? classes, IReadOnlyList<string> names) : DetectionHead
{
    /// <inheritdoc/>
    public override string Description => $"boxes that the network has chosen, {form.Description}, of '{names[boxes.Output]}'"
        + Part("scores", scores) + Part("classes", classes);

    /// <inheritdoc/>
    public override IReadOnlyList<Detection> Read(IReadOnlyList<ModelOutput> outputs, double threshold)
    {
        var (places, scored, classed) = (boxes.Of(outputs), scores?.Of(outputs), classes?.Of(outputs));
        var found = new List<Detection>();
        for (int row = 0; row < places.Rows; row++)
        {
            float score = scored is { } given ? given[row, 0] : 1;
            // Classes below 0 fill an output up.
            int own = classed is { } one ? (int)one[row, 0] : 0;
            if (score >= threshold && own >= 0 && !places.IsFiller(row))
            {
                found.Add(new Detection(form.Read(places, row), score, own));
            }
        }
        return found;
    }

    private string Part(string what, BoxColumns? columns) => columns is null ? $", no {what}"
        : columns.Output == boxes.Output ? $", {what} in its column {columns.First}"
        : $", {what} of '{names[columns.Output]}'";
}
