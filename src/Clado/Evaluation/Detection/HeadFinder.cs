using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>Finds how a detector's outputs are boxes: by their shapes, and by what the float network gives on some images.</summary>
/// <param name="names">Names of the outputs. Shape: [outputs].</param>
/// <param name="images">What the float network gives. Shape: [images][outputs].</param>
internal sealed class HeadFinder(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<ModelOutput>> images)
{
    private const int BoxWidth = 4;

    // Box, objectness and scores of the 80 classes that most detectors are trained on: with 80 behind it, the fifth column is clear.
    private const int UsualClasses = 80;

    // Columns of rows that networks give of boxes they have chosen: box, score and class.
    private static readonly (int Width, int Box, int Score, int Class)[] Rows =
    [
        (6, 0, 4, 5), (6, 2, 1, 0), (6, 0, 5, 4),
        // The number of the image is in front.
        (7, 3, 2, 1), (7, 1, 6, 5), (7, 1, 5, 6),
    ];

    /// <summary>Looks.</summary>
    /// <param name="selection">Where a NonMaxSuppression ends the network, or null.</param>
    /// <returns>null where no boxes with scores are found.</returns>
    public DetectionHead? Find(Selection? selection)
    {
        if (selection is not null)
        {
            return new SelectedHead(selection);
        }
        int[] floats = [.. Enumerable.Range(0, names.Count).Where(output => !images[0][output].IsInteger)];
        return floats.Select(Separate).FirstOrDefault(head => head is not null)
            ?? floats.Select(Listed).FirstOrDefault(head => head is not null)
            ?? floats.Select(Together).FirstOrDefault(head => head is not null);
    }

    /// <summary>Boxes in an output of their own: [boxes, 4].</summary>
    private DetectionHead? Separate(int output)
    {
        var boxes = new BoxColumns(output, 0, BoxWidth, BoxWidth);
        if (Dimension(output, 1) != BoxWidth || Form(boxes) is not { } form || AnchorScores.Of(boxes, null, images).Background is not null)
        {
            return null;
        }
        int[] others = [.. Enumerable.Range(0, names.Count).Where(other => other != output)];
        BoxColumns[] vectors = [.. others.Where(other => HasRows(other, output, 1)).Select(other => new BoxColumns(other, 0, 1, 1))];
        var classes = vectors.FirstOrDefault(v => images[0][v.Output].IsInteger)
            ?? (vectors.Length > 1 ? vectors.FirstOrDefault(AreWhole) : null);
        var scores = vectors.FirstOrDefault(v => v != classes && !images[0][v.Output].IsInteger);
        if (classes is not null && (scores is null || AreShares(scores)))
        {
            return new ListedHead(boxes, form, scores, classes, names);
        }
        if (scores is not null)
        {
            return new AnchorHead(boxes, form, AnchorScores.Of(scores, null, images), names);
        }
        var matrix = others.Select(other => Matrix(other, output)).FirstOrDefault(columns => columns is not null);
        return matrix is not null ? new AnchorHead(boxes, form, AnchorScores.Of(matrix, null, images), names)
            : images.Select(image => image[output].Values.Length).Distinct().Count() > 1 ? new ListedHead(boxes, form, null, null, names)
            : null;
    }

    /// <summary>Scores of several classes of another output's boxes: [boxes, classes], or the other way round.</summary>
    private BoxColumns? Matrix(int output, int boxes)
    {
        if (images[0][output].IsInteger)
        {
            return null;
        }
        var (last, before) = (Dimension(output, 1), Dimension(output, 2));
        return last > 1 && HasRows(output, boxes, last) ? new(output, 0, last, last)
            : before > 1 && HasRows(output, boxes, before) ? new(output, 0, before, before, IsTransposed: true)
            : null;
    }

    /// <summary>Rows of box, score and class.</summary>
    private DetectionHead? Listed(int output)
    {
        if (!IsTable(output))
        {
            return null;
        }
        foreach (var (width, box, score, own) in Rows.Where(row => row.Width == Dimension(output, 1)))
        {
            var boxes = new BoxColumns(output, box, BoxWidth, width);
            var (scores, classes) = (boxes.Column(score), boxes.Column(own));
            bool fits = AreWhole(classes) && AreShares(scores) && (!AreWhole(scores) || Values(scores).All(value => value == 0));
            if (fits && Form(boxes) is { } form)
            {
                return new ListedHead(boxes, form, scores, classes, names);
            }
        }
        return null;
    }

    /// <summary>Box and scores of a place side by side: [places, columns], or the other way round.</summary>
    private AnchorHead? Together(int output)
    {
        var (last, before) = (Dimension(output, 1), Dimension(output, 2));
        bool isTransposed = before > BoxWidth && before < last;
        int width = isTransposed ? before : last;
        var boxes = new BoxColumns(output, 0, BoxWidth, width, isTransposed);
        if (!IsTable(output) || width <= BoxWidth || Form(boxes) is not { } form)
        {
            return null;
        }
        bool hasObjectness = width - BoxWidth != UsualClasses
            && (width - BoxWidth - 1 == UsualClasses || (!isTransposed && width > BoxWidth + 1));
        int first = BoxWidth + (hasObjectness ? 1 : 0);
        // What follows scores that are probabilities is something else: coefficients of masks, keypoints.
        int shares = Enumerable.Range(first, width - first).TakeWhile(column => AreShares(boxes.Column(column))).Count();
        var classes = boxes with { First = first, Count = shares > 0 ? shares : width - first };
        return new AnchorHead(
            boxes, form, AnchorScores.Of(classes, hasObjectness ? boxes.Column(BoxWidth) : null, images), names);
    }

    /// <summary>A dimension counted from the end, from 1; 0 where there is none.</summary>
    private int Dimension(int output, int fromEnd) =>
        images[0][output].Shape is var shape && shape.Count >= fromEnd ? shape[shape.Count - fromEnd] : 0;

    /// <summary>Whether only the last two dimensions of an output are not 1.</summary>
    private bool IsTable(int output) => images[0][output].Shape is { Count: >= 2 } shape && shape.SkipLast(2).All(dim => dim == 1);

    /// <summary>Whether an output has so many values for each box of another, on all images.</summary>
    private bool HasRows(int output, int boxes, int values) =>
        images.All(image => image[output].Values.Length * BoxWidth == image[boxes].Values.Length * (long)values);

    private BoxForm? Form(BoxColumns boxes) => BoxForm.Of(images.Select(boxes.Of));

    private IEnumerable<float> Values(BoxColumns columns) => images.SelectMany(image => columns.Of(image).Values());

    private bool AreWhole(BoxColumns columns) => Values(columns).All(float.IsInteger);

    private bool AreShares(BoxColumns columns) => Values(columns).All(value => value is >= 0 and <= 1);
}
