using Clado.Onnx;

namespace Clado.Inference;

/// <summary>Whose outputs are read: what an error about them says.</summary>
/// <param name="File">Path of the model.</param>
/// <param name="Kind">Whether it is the float model or a quantized one.</param>
/// <param name="Advice">What to do where its outputs are no numbers.</param>
internal sealed record OutputSource(string File, string Kind, string Advice)
{
    private const string Wider = $"allow wider widths with {Settings.Bits}, or keep layers float with {Settings.Pins} NAME=float";
    private const string Inputs =
        $"check {Settings.Preprocessing} and {Settings.Values}; "
        + "where infinity is a mask, give the tensor in front of the mask as the output";

    /// <summary>What errors call it.</summary>
    public string Name => $"{File} ({Kind})";

    /// <summary>The float network.</summary>
    /// <param name="file">Its path.</param>
    public static OutputSource Float(string file) => new(file, "the float model", Inputs);

    /// <summary>The network with quantized weights.</summary>
    /// <param name="file">Path of the float network.</param>
    /// <param name="which">Which weights, such as a layer at a width; null for those of all layers.</param>
    public static OutputSource Quantized(string file, string? which = null) => new(file, $"{which ?? "all layers"} quantized", Wider);

    /// <summary>A model as it lies on disk: a quantized one where it, its bodies or its functions dequantize something.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="model">The model.</param>
    public static OutputSource OfFile(string path, ModelProto model)
    {
        var nodes = GraphWalk.AtEveryDepth(model.Functions.SelectMany(f => f.Node).Concat(model.Graph.Node));
        return nodes.Any(n => n.Is("DequantizeLinear")) ? new(path, "a quantized model", Wider) : Float(path);
    }

    /// <summary>A quantized model that gets its name only if its outputs are numbers.</summary>
    /// <param name="path">The name.</param>
    public static OutputSource Unwritten(string path) => new(path, "the quantized model, not written", Wider);
}
