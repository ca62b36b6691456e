namespace Clado.Execution;

/// <summary>Reports the share of a part as that of the whole.</summary>
/// <param name="whole">Is told. Range: [0, 1].</param>
/// <param name="start">Share of the whole that is done before. Range: [0, 1].</param>
/// <param name="length">Share of the whole that the part is. Range: [0, 1].</param>
internal sealed class PartOfProgress(IProgress<double> whole, double start, double length) : IProgress<double>
{
    /// <inheritdoc/>
    public void Report(double value) => whole.Report(start + (length * value));

    /// <summary>One for a whole that may be absent.</summary>
    public static PartOfProgress? Of(IProgress<double>? whole, double start, double length) =>
        whole is null ? null : new PartOfProgress(whole, start, length);
}
