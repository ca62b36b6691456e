using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Candidates;

/// <summary>
/// Packed codes: UINT8, INT4 and INT2 where ONNX has the type, else b = 4 + 2 + 1 bits in planes. The 4- and 2-bit planes are UINT4 and UINT2 tensors
/// of the weight's shape, the 1-bit plane lies eight to a byte. One model-local function a width makes 8-bit integers of them, and of those floats; ONNX Runtime
/// inlines it and folds the first part at load, so a weight of any width runs as one of 8 bits does.
/// </summary>
public static class BitPlanes
{
    /// <summary>Name of a width's function.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static string FunctionName(int bits) => $"U{bits}";

    /// <summary>The functions, and the import of their domain, for a set of widths.</summary>
    /// <param name="model">The model that receives them.</param>
    /// <param name="widths">Widths the model uses.</param>
    public static void AddFunctions(ModelProto model, IEnumerable<int> widths)
    {
        ArgumentNullException.ThrowIfNull(model);
        LocalFunctions.Add(model, [.. widths.Distinct().Order().Select(Function)]);
    }

    /// <summary>Splits codes into planes: unsigned code u = code + 2^(bits−1), lowest plane first.</summary>
    internal static TensorProto[] Split(Candidate candidate, TensorNames names)
    {
        long[] shape = [.. candidate.Layer.Shape];
        var planes = new List<TensorProto>();
        int shift = 0;
        foreach (int width in Planes(candidate.Bits))
        {
            var packed = Pack(candidate.Codes, shift, width, 1 << (candidate.Bits - 1));
            planes.Add(width switch
            {
                4 => TensorData.Create(names.Of('q', candidate.Layer.Index), DataType.Uint4, packed, shape),
                2 => TensorData.Create(names.Of(shift == 0 ? 'q' : 'p', candidate.Layer.Index), DataType.Uint2, packed, shape),
                _ => TensorData.Create(names.Of('o', candidate.Layer.Index), DataType.Uint8, packed, packed.Length, 1),
            });
            shift += width;
        }
        return [.. planes];
    }

    /// <summary>Packs some bits of each code, lowest bits of a byte first, the last byte padded with zeros.</summary>
    /// <param name="codes">Shape: [codes].</param>
    /// <param name="shift">Lowest bit taken of (code + offset).</param>
    /// <param name="width">Bits taken: 1, 2 or 4.</param>
    /// <param name="offset">Added before the bits are taken; 0 packs two's complement.</param>
    internal static byte[] Pack(ReadOnlySpan<sbyte> codes, int shift, int width, int offset = 0)
    {
        int perByte = 8 / width, mask = (1 << width) - 1;
        var packed = new byte[(codes.Length + perByte - 1) / perByte];
        for (int i = 0; i < codes.Length; i++)
        {
            packed[i / perByte] |= (byte)((((codes[i] + offset) >> shift) & mask) << (i % perByte * width));
        }
        return packed;
    }

    /// <summary>
    /// Whether the runtime gets a width's codes without sign. Its kernels for signed weights add pairs of products in 16 bits where the processor has no VNNI:
    /// 255 · (|w1| + |w2|) fits up to |w| = 64, so all widths up to 7 bits are exact, and 8 bits are with the kernels for unsigned weights.
    /// </summary>
    private static bool IsUnsigned(int bits) => bits == 8;

    private static int[] Planes(int bits) => bits switch { 3 => [2, 1], 5 => [4, 1], 6 => [4, 2], 7 => [4, 2, 1], _ => [] };

    private static FunctionProto Function(int bits)
    {
        // Inputs are named by their plane's lowest bit: "0" and so on, "s" are the scales. Names are short: the file pays for them.
        var function = LocalFunctions.Create(FunctionName(bits), [], "w");
        function.Attribute.Add("axis");
        var codes = "0";
        int shift = 0;
        if (bits is 2 or 4 or 8)
        {
            function.Input.Add(codes);
        }
        foreach (int width in Planes(bits))
        {
            var input = $"{shift}";
            function.Input.Add(input);
            var plane = Int32(function, width == 1 ? Bits(function, input) : input, $"{input}i");
            if (width == 1)
            {
                plane = Cut(function, plane, "0i");
            }
            codes = shift == 0 ? plane : Binary(function, "Add", codes, Binary(function, "Mul", plane, Scalar(function, 1 << shift), $"{input}m"), $"{input}a");
            shift += width;
        }
        function.Input.Add("s");
        if (shift > 0)
        {
            codes = Binary(function, "Sub", codes, Scalar(function, 1 << (bits - 1)), "c");
        }
        if (bits < 8)
        {
            function.Node.Add(Node("Cast", [codes], "q", Attribute("to", (long)DataType.Int8)));
            codes = "q";
        }
        // QGemm is fused only where the zero points are there, though they are all zero.
        function.Node.Add(Node("Shape", ["s"], "h"));
        var zero = IsUnsigned(bits) ? TensorData.Create("", DataType.Uint8, [1 << 7], 1) : TensorData.Create("", DataType.Int8, [0], 1);
        zero.ClearName();
        function.Node.Add(Node("ConstantOfShape", ["h"], "e", new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = zero }));
        function.Node.Add(Node("DequantizeLinear", [codes, "s", "e"], "w",
            new AttributeProto { Name = "axis", RefAttrName = "axis", Type = AttributeProto.Types.AttributeType.Int }));
        return function;
    }

    /// <summary>[bytes, 1] → [bytes, 8], one bit an element.</summary>
    private static string Bits(FunctionProto function, string bytes)
    {
        function.Node.Add(Constant("t", TensorData.Create("", DataType.Uint8, [0, 1, 2, 3, 4, 5, 6, 7], 8)));
        function.Node.Add(Constant("u", TensorData.Create("", DataType.Uint8, [1])));
        function.Node.Add(Node("BitShift", [bytes, "t"], "v", Attribute("direction", "RIGHT")));
        return Binary(function, "BitwiseAnd", "v", "u", "x");
    }

    /// <summary>[bytes, 8] → the weight's shape: the padding of the last byte cut off.</summary>
    private static string Cut(FunctionProto function, string bits, string like)
    {
        function.Node.Add(Constant("z", TensorData.Integers("", [0], 1)));
        function.Node.Add(Constant("m", TensorData.Integers("", [-1], 1)));
        function.Node.Add(Node("Reshape", [bits, "m"], "f"));
        function.Node.Add(Node("Size", [like], "n"));
        function.Node.Add(Node("Reshape", ["n", "m"], "l"));
        function.Node.Add(Node("Slice", ["f", "z", "l"], "k"));
        function.Node.Add(Node("Shape", [like], "d"));
        function.Node.Add(Node("Reshape", ["k", "d"], "y"));
        return "y";
    }

    private static string Int32(FunctionProto function, string input, string output)
    {
        function.Node.Add(Node("Cast", [input], output, Attribute("to", (long)DataType.Int32)));
        return output;
    }

    private static string Scalar(FunctionProto function, int value)
    {
        var name = $"{value}c";
        if (!function.Node.Any(n => n.Output[0] == name))
        {
            function.Node.Add(Constant(name, TensorData.Create("", DataType.Int32, BitConverter.GetBytes(value))));
        }
        return name;
    }

    private static string Binary(FunctionProto function, string op, string left, string right, string output)
    {
        function.Node.Add(Node(op, [left, right], output));
        return output;
    }

    private static NodeProto Constant(string output, TensorProto value)
    {
        value.ClearName();
        return Node("Constant", [], output, new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = value });
    }
}
