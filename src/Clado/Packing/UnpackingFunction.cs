using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.AttributeProto.Types;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Packing;

/// <summary>
/// Builds the function of one width: planes and scales in, float weight out. Each plane becomes 32-bit integers of the weight's shape.
/// The planes are summed to unsigned codes, these are centred and cast to INT8, and DequantizeLinear multiplies them by the scales.
/// </summary>
internal sealed class UnpackingFunction
{
    // Names in the file, which pays for every letter. Inputs are the scales, and the planes, each called by its lowest bit.
    private const string Scales = "s";
    private const string Weight = "w";
    private const string WeightShape = UnpackingFunctions.ShapeAttribute;
    private const string CodeCount = "l";
    private const string CodeCountScalar = "n";
    private const string CentredCodes = "c";
    private const string SignedCodes = "q";
    private const string FloatCodes = "r";
    private const string TurnedCodes = "o";
    private const string TurnedWeight = "p";
    private const string ScalesShape = "h";
    private const string ZeroPoints = "e";
    private const string FirstElement = "z";
    private const string AnyLength = "m";

    private readonly FunctionProto function;
    private readonly WeightLayout layout;

    private UnpackingFunction(WeightLayout layout, int opset, Unpacking unpacking)
    {
        this.layout = layout;
        function = LocalFunctions.Create(UnpackingFunctions.Name(layout.Bits, unpacking), [], Weight, opset);
        function.Input.Add(layout.Planes.Select(Input));
        if (unpacking != Unpacking.Codes)
        {
            UnpackingFunctions.TakeAxis(function);
            function.Input.Add(Scales);
        }
    }

    /// <summary>The function of a layout.</summary>
    /// <param name="layout">How the codes lie in the file.</param>
    /// <param name="opset">The file's opset: 25 or 21.</param>
    /// <param name="unpacking">What unpacks.</param>
    public static FunctionProto Build(WeightLayout layout, int opset, Unpacking unpacking = Unpacking.ForKernels)
    {
        var building = new UnpackingFunction(layout, opset, unpacking);
        var codes = layout.IsSigned ? Input(layout.Planes[0]) : building.Centred(building.Sum());
        if (unpacking == Unpacking.Codes)
        {
            building.Cast(codes, DataType.Int8, Weight);
        }
        else if (unpacking == Unpacking.ForKernels)
        {
            building.Dequantize(codes);
        }
        else
        {
            building.Multiply(codes, unpacking == Unpacking.FoldedAlongFirst);
        }
        return building.function;
    }

    private static string Input(CodePlane plane) => $"{plane.Shift}";

    /// <summary>Σ plane · 2^shift, the unsigned codes.</summary>
    private string Sum()
    {
        var sum = Integers(layout.Planes[0]);
        foreach (var plane in layout.Planes.Skip(1))
        {
            var integers = Integers(plane);
            var scaled = Add("Mul", [integers, Scalar(1 << plane.Shift)], $"{Input(plane)}m");
            sum = Add("Add", [sum, scaled], $"{Input(plane)}a");
        }
        return sum;
    }

    private string Centred(string unsigned) => Add("Sub", [unsigned, Scalar(layout.Offset)], CentredCodes);

    private void Dequantize(string codes)
    {
        if (layout.Bits < 8)
        {
            codes = Cast(codes, DataType.Int8, SignedCodes);
        }
        // ONNX Runtime fuses QGemm only where there are zero points, though all of them are zero.
        Add("Shape", [Scales], ScalesShape);
        Add("ConstantOfShape", [ScalesShape], ZeroPoints, Value(TensorData.Create("", DataType.Int8, [0], 1)));
        var axis = Forwarded("axis", UnpackingFunctions.AxisAttribute, AttributeType.Int);
        Add("DequantizeLinear", [codes, Scales, ZeroPoints], Weight, axis);
    }

    /// <summary>The same numbers by operators that are folded. Scales are broadcast along the last axis.</summary>
    private void Multiply(string codes, bool isFirst)
    {
        if (layout.Bits < 8)
        {
            codes = Cast(codes, DataType.Int8, SignedCodes);
        }
        var floats = Cast(codes, DataType.Float, FloatCodes);
        if (!isFirst)
        {
            Add("Mul", [floats, Scales], Weight);
            return;
        }
        Add("Transpose", [floats], TurnedCodes);
        Add("Mul", [TurnedCodes, Scales], TurnedWeight);
        Add("Transpose", [TurnedWeight], Weight);
    }

    /// <summary>A plane as 32-bit integers of the weight's shape.</summary>
    private string Integers(CodePlane plane)
    {
        var integers = $"{Input(plane)}i";
        return plane.LiesInBytes
            ? Reshaped(Cast(Elements(plane), DataType.Int32, integers), plane)
            : Cast(Input(plane), DataType.Int32, integers);
    }

    /// <summary>Takes the elements of each byte apart: (byte ≫ shifts) ∧ mask. Shape: [bytes, 1] → [bytes, elements a byte].</summary>
    private string Elements(CodePlane plane)
    {
        var (shifts, mask) = (Own("t", plane), Own("u", plane));
        byte[] lowestBits = [.. Enumerable.Range(0, plane.ElementsPerByte).Select(element => (byte)(element * plane.Width))];
        Constant(shifts, TensorData.Create("", DataType.Uint8, lowestBits, lowestBits.Length));
        Constant(mask, TensorData.Create("", DataType.Uint8, [(byte)((1 << plane.Width) - 1)]));
        var shifted = Add("BitShift", [Input(plane), shifts], Own("v", plane), Attribute("direction", "RIGHT"));
        return Add("BitwiseAnd", [shifted, mask], Own("x", plane));
    }

    /// <summary>Cuts off the padding of the last byte. Shape: [bytes, elements a byte] → the weight's.</summary>
    private string Reshaped(string elements, CodePlane plane)
    {
        Constant(FirstElement, TensorData.Integers("", [0], 1));
        Constant(AnyLength, TensorData.Integers("", [-1], 1));
        FindShape();
        var flat = Add("Reshape", [elements, AnyLength], Own("f", plane));
        var cut = Add("Slice", [flat, FirstElement, CodeCount], Own("k", plane));
        return Add("Reshape", [cut, WeightShape], Own("y", plane));
    }

    /// <summary>The weight's shape and number of codes: those of the lowest plane where it has the shape, else of the attribute.</summary>
    private void FindShape()
    {
        if (IsThere(WeightShape))
        {
            return;
        }
        if (layout.NeedsShape)
        {
            function.Attribute.Add(UnpackingFunctions.ShapeAttribute);
            Add("Constant", [], WeightShape, Forwarded("value_ints", UnpackingFunctions.ShapeAttribute, AttributeType.Ints));
            Add("ReduceProd", [WeightShape], CodeCount);
            return;
        }
        var lowest = $"{Input(layout.Planes[0])}i";
        Add("Size", [lowest], CodeCountScalar);
        Add("Reshape", [CodeCountScalar, AnyLength], CodeCount);
        Add("Shape", [lowest], WeightShape);
    }

    /// <summary>A name of a plane's own: planes of the same width, of which a function has one, share it.</summary>
    private static string Own(string name, CodePlane plane) => plane.Width == 1 ? name : $"{name}{plane.Width}";

    private string Scalar(int value)
    {
        var name = $"{value}c";
        Constant(name, TensorData.Create("", DataType.Int32, BitConverter.GetBytes(value)));
        return name;
    }

    private string Cast(string input, DataType type, string output) => Add("Cast", [input], output, Attribute("to", (long)type));

    private string Add(string op, string[] inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        function.Node.Add(Node(op, inputs, output, attributes));
        return output;
    }

    /// <summary>Adds a constant, once.</summary>
    private void Constant(string name, TensorProto value)
    {
        if (!IsThere(name))
        {
            Add("Constant", [], name, Value(value));
        }
    }

    private bool IsThere(string name) => function.Node.Any(node => node.Output[0] == name);

    private static AttributeProto Value(TensorProto tensor)
    {
        tensor.ClearName();
        return new() { Name = "value", Type = AttributeType.Tensor, T = tensor };
    }

    private static AttributeProto Forwarded(string name, string from, AttributeType type) =>
        new() { Name = name, RefAttrName = from, Type = type };
}
