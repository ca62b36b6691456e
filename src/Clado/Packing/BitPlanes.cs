using Clado.Candidates;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Packed codes: INT8, INT4 and INT2 where ONNX has the type, else b = 4 + 2 + 1 bits in planes. The 4- and 2-bit planes are UINT4 and UINT2 tensors
/// of the weight's shape, the 1-bit plane lies eight to a byte. At opset 21 all planes lie in bytes: ONNX has no 2-bit types there, and the runtimes it is
/// meant for cannot cast 4-bit ones. One model-local function a width makes 8-bit integers of them, and of those floats; ONNX Runtime
/// inlines it and folds the first part at load, so a weight of any width runs as one of 8 bits does.
/// </summary>
public static class BitPlanes
{
    /// <summary>Attribute of a function that gets its planes in bytes alone: the weight's shape. Short, since every layer pays for it.</summary>
    internal const string ShapeAttribute = "d";

    /// <summary>Name of a width's function.</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    public static string FunctionName(int bits) => $"U{bits}";

    /// <summary>The functions, and the import of their domain, for a set of widths.</summary>
    /// <param name="model">The model that receives them.</param>
    /// <param name="widths">Widths the model uses.</param>
    public static void AddFunctions(ModelProto model, IEnumerable<int> widths)
    {
        ArgumentNullException.ThrowIfNull(model);
        LocalFunctions.Add(model, [.. widths.Distinct().Order().Select(bits => Function(bits, model.Opset()))]);
    }

    /// <summary>Widths of the planes, lowest first; none where the codes are a tensor of a type of their own. Shape: [planes].</summary>
    /// <param name="bits">Bits a weight. Range: [2, 8].</param>
    /// <param name="opset">The file's opset.</param>
    internal static int[] Planes(int bits, int opset) => bits switch
    {
        3 => [2, 1],
        5 => [4, 1],
        6 => [4, 2],
        7 => [4, 2, 1],
        2 or 4 when !HasTypes(opset) => [bits],
        _ => [],
    };

    /// <summary>Whether nothing but the attribute tells a weight's shape.</summary>
    internal static bool NeedShape(int bits, int opset) => Planes(bits, opset) is { Length: > 0 } planes && planes.All(width => LiesInBytes(width, opset));

    /// <summary>Splits codes into planes: unsigned code u = code + 2^(bits−1), lowest plane first.</summary>
    internal static TensorProto[] Split(Candidate candidate, TensorNames names, int opset)
    {
        long[] shape = [.. candidate.Layer.Shape];
        var planes = new List<TensorProto>();
        int shift = 0;
        foreach (int width in Planes(candidate.Bits, opset))
        {
            var packed = Pack(candidate.Codes, shift, width, 1 << (candidate.Bits - 1));
            var name = names.Of(shift == 0 ? 'q' : width == 2 ? 'p' : 'o', candidate.Layer.Index);
            planes.Add(LiesInBytes(width, opset)
                ? TensorData.Create(name, DataType.Uint8, packed, packed.Length, 1)
                : TensorData.Create(name, width == 4 ? DataType.Uint4 : DataType.Uint2, packed, shape));
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

    private static bool HasTypes(int opset) => opset >= OpsetUpgrade.TargetOpset;

    private static bool LiesInBytes(int width, int opset) => width == 1 || !HasTypes(opset);

    private static FunctionProto Function(int bits, int opset)
    {
        // Inputs are named by their plane's lowest bit: "0" and so on, "s" are the scales. Names are short: the file pays for them.
        var function = LocalFunctions.Create(FunctionName(bits), [], "w", opset);
        function.Attribute.Add("axis");
        var codes = "0";
        int shift = 0;
        int[] planes = Planes(bits, opset);
        if (planes.Length == 0)
        {
            function.Input.Add(codes);
        }
        foreach (int width in planes)
        {
            var input = $"{shift}";
            function.Input.Add(input);
            var plane = Int32(function, LiesInBytes(width, opset) ? Bits(function, input, width) : input, $"{input}i");
            if (LiesInBytes(width, opset))
            {
                plane = Cut(function, plane, width, HasTypes(opset) ? "0i" : null);
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
        var zero = TensorData.Create("", DataType.Int8, [0], 1);
        zero.ClearName();
        function.Node.Add(Node("ConstantOfShape", ["h"], "e", new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = zero }));
        function.Node.Add(Node("DequantizeLinear", [codes, "s", "e"], "w",
            new AttributeProto { Name = "axis", RefAttrName = "axis", Type = AttributeProto.Types.AttributeType.Int }));
        return function;
    }

    /// <summary>[bytes, 1] → [bytes, 8 / width], so many bits an element.</summary>
    private static string Bits(FunctionProto function, string bytes, int width)
    {
        var own = Suffix(width);
        byte[] shifts = [.. Enumerable.Range(0, 8 / width).Select(i => (byte)(i * width))];
        Constant(function, "t" + own, TensorData.Create("", DataType.Uint8, shifts, shifts.Length));
        Constant(function, "u" + own, TensorData.Create("", DataType.Uint8, [(byte)((1 << width) - 1)]));
        function.Node.Add(Node("BitShift", [bytes, "t" + own], "v" + own, Attribute("direction", "RIGHT")));
        return Binary(function, "BitwiseAnd", "v" + own, "u" + own, "x" + own);
    }

    /// <summary>[bytes, elements a byte] → the weight's shape, that of a tensor or of the attribute: the padding of the last byte cut off.</summary>
    private static string Cut(FunctionProto function, string bits, int width, string? like)
    {
        var own = Suffix(width);
        Constant(function, "z", TensorData.Integers("", [0], 1));
        Constant(function, "m", TensorData.Integers("", [-1], 1));
        if (like is not null)
        {
            function.Node.Add(Node("Size", [like], "n"));
            function.Node.Add(Node("Reshape", ["n", "m"], "l"));
            function.Node.Add(Node("Shape", [like], "d"));
        }
        else if (!function.Attribute.Contains(ShapeAttribute))
        {
            function.Attribute.Add(ShapeAttribute);
            function.Node.Add(Node("Constant", [], "d", new AttributeProto { Name = "value_ints", RefAttrName = ShapeAttribute, Type = AttributeProto.Types.AttributeType.Ints }));
            function.Node.Add(Node("ReduceProd", ["d"], "l"));
        }
        function.Node.Add(Node("Reshape", [bits, "m"], "f" + own));
        function.Node.Add(Node("Slice", ["f" + own, "z", "l"], "k" + own));
        function.Node.Add(Node("Reshape", ["k" + own, "d"], "y" + own));
        return "y" + own;
    }

    private static string Suffix(int width) => width == 1 ? "" : $"{width}";

    private static string Int32(FunctionProto function, string input, string output)
    {
        function.Node.Add(Node("Cast", [input], output, Attribute("to", (long)DataType.Int32)));
        return output;
    }

    private static string Scalar(FunctionProto function, int value)
    {
        Constant(function, $"{value}c", TensorData.Create("", DataType.Int32, BitConverter.GetBytes(value)));
        return $"{value}c";
    }

    private static string Binary(FunctionProto function, string op, string left, string right, string output)
    {
        function.Node.Add(Node(op, [left, right], output));
        return output;
    }

    /// <summary>Adds a constant, once.</summary>
    private static void Constant(FunctionProto function, string name, TensorProto value)
    {
        if (function.Node.All(n => n.Output[0] != name))
        {
            value.ClearName();
            function.Node.Add(Node("Constant", [], name, new AttributeProto { Name = "value", Type = AttributeProto.Types.AttributeType.Tensor, T = value }));
        }
    }
}
