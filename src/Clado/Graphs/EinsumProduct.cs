namespace Clado.Graphs;

/// <summary>
/// An Einsum of an activation and a constant as a matrix product: [.., batch, rows, in] · [batch, in, out]. Each part is some labels.
/// </summary>
/// <param name="Outer">Labels of the activation in front of the batch.</param>
/// <param name="Batch">Labels that both have and the output keeps: every matrix of the constant has rows of its own.</param>
/// <param name="Rows">The label of the activation along which rows lie; empty where each matrix has a single one.</param>
/// <param name="Inputs">Labels that both have and the output does not.</param>
/// <param name="Channels">Labels of the constant alone.</param>
internal sealed record EinsumProduct(string Outer, string Batch, string Rows, string Inputs, string Channels)
{
    /// <summary>Labels of the activation, in the product's order.</summary>
    public string Activation => Outer + Batch + Rows + Inputs;

    /// <summary>Labels of the constant, in the product's order.</summary>
    public string Constant => Batch + Inputs + Channels;

    /// <summary>Labels of the product.</summary>
    public string Output => Outer + Batch + Rows + Channels;

    /// <summary>Whether a single row is added as a dimension of its own, and taken away behind the product.</summary>
    public bool AddsRow => Batch.Length > 0 && Rows.Length == 0;

    /// <summary>Sorts the labels; null where the equation is no such product.</summary>
    /// <param name="activation">Labels of the activation.</param>
    /// <param name="constant">Labels of the constant.</param>
    /// <param name="output">Labels of the output.</param>
    public static EinsumProduct? Of(string activation, string constant, string output)
    {
        static bool IsDistinct(string labels) => labels.Distinct().Count() == labels.Length;
        if (!IsDistinct(activation) || !IsDistinct(constant) || !IsDistinct(output))
        {
            return null;
        }
        string batch = Where(constant, label => activation.Contains(label, StringComparison.Ordinal) && Keeps(label));
        string inputs = Where(constant, label => activation.Contains(label, StringComparison.Ordinal) && !Keeps(label));
        string channels = Where(constant, label => !activation.Contains(label, StringComparison.Ordinal));
        string free = Where(activation, label => !constant.Contains(label, StringComparison.Ordinal));
        bool isProduct = inputs.Length > 0 && channels.Length > 0 && (channels + free).All(Keeps)
            && output.Length == batch.Length + channels.Length + free.Length;
        if (!isProduct)
        {
            return null;
        }
        // Without a batch all of the activation are rows, in its own order.
        return batch.Length == 0 || free.Length == 0
            ? new EinsumProduct(free, batch, "", inputs, channels)
            : new EinsumProduct(free[..^1], batch, free[^1..], inputs, channels);

        bool Keeps(char label) => output.Contains(label, StringComparison.Ordinal);
    }

    private static string Where(string labels, Func<char, bool> predicate) => string.Concat(labels.Where(predicate));
}
