using Clado.Inference;

namespace Clado.Evaluation.Detection;

/// <summary>How a detector's outputs are boxes with scores and classes.</summary>
internal abstract class DetectionHead
{
    /// <summary>The same in words.</summary>
    public abstract string Description { get; }

    /// <summary>The boxes of an image.</summary>
    /// <param name="outputs">The image's outputs. Shape: [outputs].</param>
    /// <param name="threshold">The least score. Range: [0, 1].</param>
    /// <returns>Shape: [boxes].</returns>
    public abstract IReadOnlyList<Detection> Read(IReadOnlyList<ModelOutput> outputs, double threshold);
}

/// <summary>Some columns of an output that has a row a box.</summary>
/// <param name="Output">Which output. Range: [0, outputs).</param>
/// <param name="First">The first of the columns.</param>
/// <param name="Count">How many. Range: [1, inf).</param>
/// <param name="Width">How many columns the output has. Range: [First + Count, inf).</param>
/// <param name="IsTransposed">Whether the output has them as rows: [columns, boxes].</param>
internal sealed record BoxColumns(int Output, int First, int Count, int Width, bool IsTransposed = false)
{
    /// <summary>One column, counted in the output's.</summary>
    public BoxColumns Column(int column) => this with { First = column, Count = 1 };

    /// <summary>The values of an image.</summary>
    /// <param name="outputs">Shape: [outputs].</param>
    public BoxTable Of(IReadOnlyList<ModelOutput> outputs) => new(outputs[Output].Values, this);
}

/// <summary>Values of some columns, a row a box.</summary>
/// <param name="values">Those of the output.</param>
/// <param name="columns">Which of them.</param>
internal readonly struct BoxTable(ReadOnlyMemory<float> values, BoxColumns columns)
{
    /// <summary>Number of boxes.</summary>
    public int Rows => values.Length / columns.Width;

    /// <summary>Number of columns.</summary>
    public int Columns => columns.Count;

    /// <summary>A value.</summary>
    public float this[int row, int column] => columns.IsTransposed
        ? values.Span[((columns.First + column) * Rows) + row]
        : values.Span[(row * columns.Width) + columns.First + column];

    /// <summary>Whether all of a row is zero: what fills an output up to a fixed number of boxes.</summary>
    public bool IsFiller(int row)
    {
        for (int column = 0; column < Columns; column++)
        {
            if (this[row, column] != 0)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>All values, row by row.</summary>
    public IEnumerable<float> Values()
    {
        for (int row = 0; row < Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                yield return this[row, column];
            }
        }
    }
}
