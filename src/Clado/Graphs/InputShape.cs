namespace Clado.Graphs;

/// <summary>The shape that a network's image input has here.</summary>
/// <param name="Dims">For one image. Shape: [rank].</param>
/// <param name="HasFreeBatch">Whether several images can go through at once.</param>
internal sealed record InputShape(IReadOnlyList<long> Dims, bool HasFreeBatch)
{
    /// <summary>
    /// What gives the same shape again, as <see cref="InputOptions.Parse"/> reads it; null where the file leaves nothing but the batch
    /// free.
    /// </summary>
    public string? Setting { get; init; }

    /// <summary>The shape with null at a batch that is free: what <see cref="InputOptions.Shape"/> takes. Shape: [rank].</summary>
    public IReadOnlyList<long?> WithFreeBatch => [.. Dims.Select((dim, axis) => axis == 0 && HasFreeBatch ? (long?)null : dim)];

    /// <summary>Height and width; null where they cannot be told.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>What was assumed where the file leaves something free, in sentences. Shape: [sentences].</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The shape for some images; the batch stays as it is where it is not free. Shape: [rank].</summary>
    /// <param name="images">Images. Range: [1, inf).</param>
    public long[] Of(long images) => HasFreeBatch ? [images, .. Dims.Skip(1)] : [.. Dims];
}
