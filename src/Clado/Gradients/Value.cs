using Clado.Onnx;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>A tensor of a graph that is being written. What is computed from it becomes nodes: rules read like their formulas.</summary>
/// <param name="Nodes">Where nodes are written.</param>
/// <param name="Name">Name of the tensor.</param>
internal readonly record struct Value(NodeWriter Nodes, string Name)
{
    public static Value operator +(Value a, Value b) => a.Then("Add", b);

    public static Value operator +(Value a, float b) => a + a.Nodes.Scalar(b);

    public static Value operator +(float a, Value b) => b.Nodes.Scalar(a) + b;

    public static Value operator -(Value a, Value b) => a.Then("Sub", b);

    public static Value operator -(Value a, float b) => a - a.Nodes.Scalar(b);

    public static Value operator -(float a, Value b) => b.Nodes.Scalar(a) - b;

    public static Value operator -(Value a) => a.Then("Neg");

    public static Value operator *(Value a, Value b) => a.Then("Mul", b);

    public static Value operator *(Value a, float b) => b == 1 ? a : a * a.Nodes.Scalar(b);

    public static Value operator *(float a, Value b) => b * a;

    public static Value operator /(Value a, Value b) => a.Then("Div", b);

    public static Value operator /(Value a, float b) => a / a.Nodes.Scalar(b);

    public static Value operator /(float a, Value b) => b.Nodes.Scalar(a) / b;

    public static Value operator >(Value a, Value b) => a.Then("Greater", b);

    public static Value operator <(Value a, Value b) => a.Then("Less", b);

    public static Value operator >(Value a, float b) => a > a.Nodes.Scalar(b);

    public static Value operator <(Value a, float b) => a < a.Nodes.Scalar(b);

    public static Value operator >=(Value a, Value b) => a.Then("GreaterOrEqual", b);

    public static Value operator <=(Value a, Value b) => a.Then("LessOrEqual", b);

    public static Value operator &(Value a, Value b) => a.Then("And", b);

    public static Value operator !(Value a) => a.Then("Not");

    /// <summary>An operator applied to it and others.</summary>
    public Value Then(string op, params ReadOnlySpan<Value> others) => Nodes.Add(op, Operands(others));

    /// <summary>The same with attributes.</summary>
    public Value With(string op, IEnumerable<AttributeProto> attributes, params ReadOnlySpan<Value> others) =>
        Nodes.Add(op, Operands(others), attributes.ToArray());

    public Value Exp() => Then("Exp");

    public Value Log() => Then("Log");

    public Value Sqrt() => Then("Sqrt");

    public Value Tanh() => Then("Tanh");

    public Value Sigmoid() => Then("Sigmoid");

    public Value Sign() => Then("Sign");

    public Value Square() => this * this;

    public Value Is(Value other) => Then("Equal", other);

    /// <summary>One value where it is true, another where it is not.</summary>
    public Value Choose(Value yes, Value no) => Then("Where", yes, no);

    /// <summary>A value where it is true, else zero.</summary>
    public Value Keep(Value value) => Choose(value, Nodes.Scalar(0));

    /// <summary>
    /// A value where it is true, zero times it where it is not: quicker than <see cref="Keep"/>, for values that are finite.
    /// </summary>
    public Value Mask(Value value) => value * ToFloat();

    public Value ToFloat() => Nodes.Add("Cast", [Name], Attribute("to", (long)DataType.Float));

    public Value ToInt64() => Nodes.Add("Cast", [Name], Attribute("to", (long)DataType.Int64));

    /// <summary>The sum along axes, which stay as ones.</summary>
    public Value Sum(params long[] axes) => axes.Length == 0 ? this : Then("ReduceSum", Nodes.Integers(axes));

    /// <summary>The sum along axes, which go.</summary>
    public Value SumAway(params long[] axes) =>
        axes.Length == 0 ? this : With("ReduceSum", [Attribute("keepdims", 0)], Nodes.Integers(axes));

    /// <summary>The mean along axes, which stay as ones.</summary>
    public Value Mean(params long[] axes) => axes.Length == 0 ? this : Then("ReduceMean", Nodes.Integers(axes));

    public Value MatMul(Value other) => Then("MatMul", other);

    public Value Reshape(params long[] dims) => Then("Reshape", Nodes.Integers(dims));

    public Value Transpose(params long[] order) =>
        order.Select((axis, i) => axis == i).All(same => same) ? this : Nodes.Add("Transpose", [Name], Attribute("perm", order));

    /// <summary>The last two of its axes exchanged.</summary>
    public Value Turned(int rank) => Transpose([.. Enumerable.Range(0, rank - 2).Select(axis => (long)axis), rank - 1, rank - 2]);

    public Value Unsqueeze(params long[] axes) => axes.Length == 0 ? this : Then("Unsqueeze", Nodes.Integers(axes));

    public Value Squeeze(params long[] axes) => axes.Length == 0 ? this : Then("Squeeze", Nodes.Integers(axes));

    /// <summary>Zeros around it; fewer elements where a pad is negative.</summary>
    /// <param name="pads">In front of every axis, then behind it. Shape: [2 · rank].</param>
    public Value Pad(params long[] pads) => pads.All(pad => pad == 0) ? this : Then("Pad", Nodes.Integers(pads));

    /// <summary>A part of it.</summary>
    public Value Slice(long[] starts, long[] ends, long[] axes, long[] steps) =>
        Then("Slice", Nodes.Integers(starts), Nodes.Integers(ends), Nodes.Integers(axes), Nodes.Integers(steps));

    /// <summary>Places along an axis.</summary>
    public Value Gather(Value indices, long axis) => With("Gather", [Attribute("axis", axis)], indices);

    public Value Shape() => Then("Shape");

    /// <summary>Zeros of its shape.</summary>
    public Value Zeros() => Shape().Then("ConstantOfShape");

    private string[] Operands(ReadOnlySpan<Value> others)
    {
        var names = new string[others.Length + 1];
        names[0] = Name;
        for (int i = 0; i < others.Length; i++)
        {
            names[i + 1] = others[i].Name;
        }
        return names;
    }
}
