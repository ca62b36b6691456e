using Clado.Graphs;

namespace Clado.Losses;

/// <summary>
/// The sets of scores in an image's outputs, as rows of one length: one at every place where one class of each is right; and where a class
/// is right or wrong by itself, one for each, of 0 and its score, whose softmax is the sigmoid.
/// </summary>
/// <param name="layout">How the elements of an output are scores.</param>
/// <param name="start">Where the output begins among an image's elements.</param>
/// <param name="elements">Its elements.</param>
internal sealed class ClassRows(ClassLayout layout, int start, int elements)
{
    /// <summary>Scores of a row.</summary>
    public int Classes => layout.IsExclusive ? layout.Count : 2;

    /// <summary>Rows of an image.</summary>
    public int Count => layout.IsExclusive ? elements / layout.Count : elements;

    /// <summary>What a row weighs in the mean over places.</summary>
    public double Share => (double)layout.Count / elements;

    /// <summary>The rows of all outputs. Shape: [outputs].</summary>
    /// <param name="readout">Where the network is read: one whose outputs are scores of classes.</param>
    public static IReadOnlyList<ClassRows> Of(Readout readout)
    {
        int start = 0;
        return [.. readout.Classes!.Zip(readout.ElementCounts, (layout, count) => new ClassRows(layout, (start += count) - count, count))];
    }

    /// <summary>Takes rows out of an image.</summary>
    /// <param name="values">The image's outputs, or their shifts. Shape: [elements of all outputs].</param>
    /// <param name="from">The first row. Range: [0, rows).</param>
    /// <param name="rows">What they are written to. Shape: [taken · classes].</param>
    public void Take(ReadOnlySpan<float> values, int from, Span<float> rows)
    {
        var own = values.Slice(start, elements);
        int classes = Classes;
        for (int i = 0; i < rows.Length; i++)
        {
            int row = from + (i / classes), position = i % classes;
            rows[i] = layout.IsExclusive ? own[Element(row, position)] : position == 0 ? 0 : own[row];
        }
    }

    /// <summary>Writes a row into an image: what <see cref="Take"/> takes from there.</summary>
    /// <param name="row">A value a score of the row. Shape: [classes].</param>
    /// <param name="index">The row. Range: [0, rows).</param>
    /// <param name="values">The image's outputs. Shape: [elements of all outputs].</param>
    public void Put(ReadOnlySpan<float> row, int index, Span<float> values)
    {
        var own = values.Slice(start, elements);
        if (!layout.IsExclusive)
        {
            own[index] = row[1];
            return;
        }
        for (int position = 0; position < row.Length; position++)
        {
            own[Element(index, position)] = row[position];
        }
    }

    private int Element(int place, int position) =>
        (place / layout.Stride * layout.Stride * layout.Count) + (position * layout.Stride) + (place % layout.Stride);
}
