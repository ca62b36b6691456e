namespace Clado.Sensitivity;

/// <summary>Derivatives of a part of a batch.</summary>
/// <param name="Candidates">Along the directions, by every candidate's change. Shape: [images · candidates · passes].</param>
/// <param name="Channels">By that of every row, where these are measured. Shape: [images · channels · passes].</param>
internal readonly record struct LinearizedProducts(float[] Candidates, float[] Channels);

/// <summary>Products that come layer by layer and pass by pass, put in their places.</summary>
/// <param name="images">Images.</param>
/// <param name="count">Products an image and pass.</param>
/// <param name="passes">Passes.</param>
internal sealed class PassProducts(int images, int count, int passes)
{
    /// <summary>All of them. Shape: [images · products · passes].</summary>
    public float[] Values { get; } = new float[images * count * passes];

    /// <summary>Puts some in their places.</summary>
    /// <param name="products">Shape: [images · places].</param>
    /// <param name="places">Where they belong among an image's. Shape: [places].</param>
    /// <param name="pass">The pass.</param>
    public void Write(ReadOnlySpan<float> products, int[] places, int pass)
    {
        for (int i = 0; i < products.Length; i++)
        {
            Values[(((i / places.Length * count) + places[i % places.Length]) * passes) + pass] = products[i];
        }
    }
}
