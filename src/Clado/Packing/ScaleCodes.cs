using Clado.Graphs;
using Clado.Layers;
using Clado.Onnx;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Scales as codes of 8 bits: <c>scale = bfloat16(exp((17 code − 2996) / 256))</c>, from 2^−16.9 to 2^7.5, 6.9 % apart. A function of the
/// model makes the floats again, folded at load. Candidates are made with scales that have a code, so nothing is rounded behind them:
/// codes of weights are chosen for the scale that the file has. A grid is forgiving: with a step off by 3 % its error is 0.1 % larger.
/// </summary>
/// <remarks>
/// Exponential functions differ in their last bits between processors. The exponent is exact, and no value of a code lies nearer than
/// 3·10⁻⁵ of itself to where bfloat16 rounds the other way, some hundred times what such functions are off.
/// </remarks>
internal static class ScaleCodes
{
    /// <summary>The function's name in the file.</summary>
    public const string FunctionName = "S";

    private const int Count = 256;
    private const float Step = 17f / 256;
    private const float Lowest = -2996f / 256;

    private static readonly float[] Values = [.. Enumerable.Range(0, Count).Select(code => Rounded(Math.Exp((code * Step) + Lowest)))];

    /// <summary>The smallest scale that has a code.</summary>
    public static float Smallest => Values[0];

    /// <summary>The largest scale that has a code.</summary>
    public static float Largest => Values[^1];

    /// <summary>The scale a layer can have that is nearest to one; the same where its scales are written as floats.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="scale">A scale. Range: (0, inf).</param>
    public static float NearestScale(this QuantizableLayer layer, float scale)
    {
        ArgumentNullException.ThrowIfNull(layer);
        if (!layer.HasCodedScales)
        {
            return scale;
        }
        int above = Above(scale);
        return above == 0 || Values[above] - scale < scale - Values[above - 1] ? Values[above] : Values[above - 1];
    }

    /// <summary>The smallest scale a layer can have that is not below one, as far as there is one.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="scale">A scale. Range: [0, inf).</param>
    public static float ScaleFrom(this QuantizableLayer layer, float scale)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return layer.HasCodedScales ? Values[Above(scale)] : scale;
    }

    /// <summary>Whether scales have codes.</summary>
    /// <param name="scales">Shape: [channels].</param>
    public static bool Hold(IEnumerable<float> scales) => scales.All(scale => Array.BinarySearch(Values, scale) >= 0);

    /// <summary>The codes of scales.</summary>
    /// <param name="scales">Shape: [channels].</param>
    /// <exception cref="InvalidOperationException">One has none: a defect of this library.</exception>
    public static byte[] Of(float[] scales) => Array.ConvertAll(scales, scale => Array.BinarySearch(Values, scale) is >= 0 and var code
        ? (byte)code
        : throw new InvalidOperationException("A scale has no code."));

    /// <summary>The function that makes scales of codes.</summary>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    public static FunctionProto Function(int opset)
    {
        var function = LocalFunctions.Create(FunctionName, ["c"], "s", opset);
        void Add(string op, string[] inputs, string output, params ReadOnlySpan<AttributeProto> attributes) =>
            function.Node.Add(Node(op, inputs, output, attributes));
        Add("Cast", ["c"], "f", Attribute("to", (long)DataType.Float));
        Add("Constant", [], "k", Value(Step));
        Add("Mul", ["f", "k"], "m");
        Add("Constant", [], "l", Value(Lowest));
        Add("Add", ["m", "l"], "x");
        Add("Exp", ["x"], "e");
        Add("Cast", ["e"], "b", Attribute("to", (long)DataType.Bfloat16));
        Add("Cast", ["b"], "s", Attribute("to", (long)DataType.Float));
        return function;
    }

    private static AttributeProto Value(float value) => new() { Name = "value_float", Type = AttributeType.Float, F = value };

    /// <summary>The first code whose scale is not below one; the last where all are.</summary>
    private static int Above(float scale)
    {
        int at = Array.BinarySearch(Values, scale);
        return Math.Min(at < 0 ? ~at : at, Count - 1);
    }

    /// <summary>The nearest number of bfloat16: the upper half of a float.</summary>
    private static float Rounded(double value)
    {
        uint bits = BitConverter.SingleToUInt32Bits((float)value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
