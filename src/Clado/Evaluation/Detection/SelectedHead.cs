using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>Indices of boxes that NonMaxSuppression has selected; boxes and scores are what it takes.</summary>
/// <param name="selection">Which outputs they are.</param>
internal sealed class SelectedHead(Selection selection) : DetectionHead
{
    /// <inheritdoc/>
    public override string Description => "the boxes that NonMaxSuppression selects, with the boxes and scores it takes";

    /// <inheritdoc/>
    public override IReadOnlyList<Detection> Read(IReadOnlyList<ModelOutput> outputs, double threshold)
    {
        var indices = outputs[selection.Indices].Values.Span;
        var scores = outputs[selection.Scores];
        int boxes = scores.Shape[^1];
        var table = new BoxColumns(selection.Boxes, 0, 4, 4).Of(outputs);
        var form = new BoxForm(selection.HasCentres, InPixels: false);
        var found = new List<Detection>();
        // Rows of image, class and box.
        for (int start = 0; start < indices.Length; start += 3)
        {
            int own = (int)indices[start + 1], box = (int)indices[start + 2];
            float score = scores.Values.Span[(own * boxes) + box];
            if (score >= threshold)
            {
                found.Add(new Detection(form.Read(table, box), score, own));
            }
        }
        return found;
    }
}

/// <summary>Where a NonMaxSuppression's results and what it takes are read.</summary>
/// <param name="Indices">Output of what it selects: [selected, 3], image, class and box.</param>
/// <param name="Boxes">Output of its boxes: [1, boxes, 4].</param>
/// <param name="Scores">Output of its scores: [1, classes, boxes].</param>
/// <param name="HasCentres">Whether its boxes are centre and size.</param>
internal sealed record Selection(int Indices, int Boxes, int Scores, bool HasCentres);
