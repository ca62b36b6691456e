using System.Globalization;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs.Integers;

/// <summary>Scales, zero points and other constants of a graph that is rewritten, those in Constant nodes too.</summary>
internal sealed class GridConstants
{
    private readonly GraphProto graph;
    private readonly string file;
    private readonly Dictionary<string, TensorProto> constants;
    private readonly ISet<string> taken;
    private readonly Dictionary<string, string> ones = [];
    private readonly Dictionary<string, string> firsts = [];

    /// <summary>Those of a graph.</summary>
    /// <param name="graph">The graph; constants are added to it.</param>
    /// <param name="file">Path that errors name.</param>
    public GridConstants(GraphProto graph, string file)
    {
        (this.graph, this.file) = (graph, file);
        constants = graph.Initializer.ToDictionary(t => t.Name);
        foreach (var node in graph.Node.Where(n => n.Is("Constant") && n.Output.Count == 1 && n.Find("value")?.T is not null))
        {
            constants.TryAdd(node.Output[0], node.Find("value")!.T);
        }
        taken = GraphWalk.Names(graph);
    }

    /// <summary>The constant of that name, or null.</summary>
    /// <param name="name">Name of the tensor.</param>
    public TensorProto? Find(string name) => constants.GetValueOrDefault(name);

    /// <summary>Values of a float constant. Shape: [elements].</summary>
    /// <param name="tensor">The constant.</param>
    public float[] Singles(TensorProto tensor) => TensorData.ReadSingles(file, tensor);

    /// <summary>Values of an integer constant. Shape: [elements].</summary>
    /// <param name="tensor">The constant.</param>
    public long[] Codes(TensorProto tensor) => CodeData.Read(file, tensor);

    /// <summary>Adds a constant; gives its name.</summary>
    /// <param name="value">The constant; it is named anew.</param>
    /// <param name="near">What it is called after.</param>
    public string Add(TensorProto value, string near)
    {
        value.Name = Fresh(near);
        graph.Initializer.Add(value);
        constants.Add(value.Name, value);
        return value.Name;
    }

    /// <summary>A name that nothing has yet.</summary>
    /// <param name="name">What it begins with.</param>
    public string Fresh(string name)
    {
        while (!taken.Add(name))
        {
            name += "_";
        }
        return name;
    }

    /// <summary>Whether scales are one number, or one a channel, or not known: those that DequantizeLinear takes.</summary>
    /// <param name="names">Names of the scales.</param>
    public bool AreVectors(params IEnumerable<string> names) => names.All(name => Find(name) is not { Dims.Count: > 1 });

    /// <summary>Whether there is a scale a channel.</summary>
    /// <param name="scale">Name of the scale.</param>
    public bool IsByChannel(string scale) => Find(scale) is { } values && values.Dims.Any(dim => dim > 1);

    /// <summary>Whether a zero point is 0, or there is none.</summary>
    /// <param name="zeroPoint">Name of the zero point; empty for none.</param>
    public bool IsZero(string zeroPoint) => zeroPoint.Length == 0 || (Find(zeroPoint) is { } point && Codes(point).All(code => code == 0));

    /// <summary>The first constant of that type and these values, one after the other.</summary>
    /// <param name="name">Name of a constant.</param>
    public string Same(string name)
    {
        var tensor = constants[name];
        bool isScale = (DataType)tensor.DataType == DataType.Float;
        var values = isScale ? Array.ConvertAll(Singles(tensor), v => (double)v) : Array.ConvertAll(Codes(tensor), v => (double)v);
        var key = string.Create(CultureInfo.InvariantCulture, $"{tensor.DataType} ") + Text(values);
        return firsts.TryAdd(key, name) ? name : firsts[key];
    }

    private static string Text(double[] values) =>
        string.Join(' ', values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    /// <summary>Scales of 1, as many as zero points.</summary>
    /// <param name="zeroPoint">Name of the zero points; empty for none.</param>
    public string Ones(string zeroPoint)
    {
        long[] dims = zeroPoint.Length > 0 && Find(zeroPoint) is { } points ? [.. points.Dims] : [];
        var key = ShapeText.Of(dims);
        if (!ones.TryGetValue(key, out var name))
        {
            float[] values = [.. Enumerable.Repeat(1f, (int)dims.Aggregate(1L, (product, dim) => product * dim))];
            name = Add(TensorData.Singles("", values, dims), "ones");
            ones.Add(key, name);
        }
        return name;
    }

    /// <summary>
    /// The zero point in the shape of the scale, as DequantizeLinear wants it: one for all channels may stand beside scales one a channel.
    /// </summary>
    /// <param name="zeroPoint">Name of the zero point; empty for 0.</param>
    /// <param name="scale">Name of the scale.</param>
    public string Fitted(string zeroPoint, string scale)
    {
        if (zeroPoint.Length == 0 || Find(zeroPoint) is not { } point || Find(scale) is not { } scales
            || point.Dims.SequenceEqual(scales.Dims) || (DataType)point.DataType is not (DataType.Int8 or DataType.Uint8))
        {
            return zeroPoint;
        }
        long[] codes = Codes(point);
        if (codes.All(code => code == 0))
        {
            return "";
        }
        byte[] bytes = [.. Enumerable.Range(0, (int)TensorData.ElementCount(file, scales)).Select(i => (byte)codes[i % codes.Length])];
        return Add(TensorData.Create("", (DataType)point.DataType, bytes, [.. scales.Dims]), zeroPoint);
    }
}
