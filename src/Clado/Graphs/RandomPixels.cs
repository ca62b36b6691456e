namespace Clado.Graphs;

/// <summary>
/// Inputs where no images are needed or there. Any weights show on them, and no processor is faster with them, as it may be with zeros.
/// </summary>
internal static class RandomPixels
{
    /// <summary>
    /// Numbers spread evenly between −1 and 1, or between 0 and 255 where the network takes bytes; the same ones every time.
    /// </summary>
    /// <param name="inputs">What the network takes.</param>
    /// <param name="shape">Dimensions of the input. Shape: [rank].</param>
    /// <param name="seed">Tells inputs apart.</param>
    /// <returns>Shape: [elements].</returns>
    public static float[] Of(GraphInputs inputs, IEnumerable<long> shape, int seed)
    {
        var random = new Random(seed);
        var pixels = new float[shape.Aggregate(1L, (product, dim) => product * dim)];
        for (int i = 0; i < pixels.Length; i++)
        {
            float value = random.NextSingle();
            pixels[i] = inputs.TakesBytes ? byte.MaxValue * value : (2 * value) - 1;
        }
        return pixels;
    }
}
