using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>Compares matrices of losses that are measured in single precision.</summary>
internal static class MatrixAssert
{
    // Of the largest entry.
    private const double SinglePrecision = 2e-5;

    /// <summary>Every entry is the other's, but for rounding.</summary>
    public static void Close(double[] expected, double[] actual)
    {
        double scale = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, SinglePrecision * scale));
    }
}
