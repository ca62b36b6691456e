using static System.FormattableString;

namespace Clado.Onnx;

/// <summary>How messages write a shape.</summary>
internal static class ShapeText
{
    /// <summary>The dimensions in brackets, such as <c>[8, 3, 3, 3]</c>.</summary>
    /// <param name="dims">Shape: [rank].</param>
    public static string Of(IEnumerable<long> dims) => $"[{string.Join(", ", dims.Select(dim => Invariant($"{dim}")))}]";
}
