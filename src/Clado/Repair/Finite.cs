using System.Numerics.Tensors;

namespace Clado.Repair;

/// <summary>Numbers, and what stands in for losses of what are none.</summary>
internal static class Finite
{
    /// <summary>Loss of an image on which an output is NaN or infinite: beyond any other, and a number that records take.</summary>
    public const double Broken = 1e9;

    /// <summary>Whether all values are finite.</summary>
    public static bool Are(float[] values) => values.Length == 0 || float.IsFinite(TensorPrimitives.MaxMagnitude<float>(values));
}
