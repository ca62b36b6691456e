namespace Clado.Onnx;

/// <summary>An ONNX file that cannot be used; the message starts with the place: <c>model.onnx(node 'conv1', tensor 'W'): …</c>.</summary>
internal sealed class OnnxFormatException : CladoException
{
    /// <summary>Creates the error and its located message.</summary>
    /// <param name="file">Path of the file at fault.</param>
    /// <param name="problem">What is wrong and what to do about it.</param>
    /// <param name="node">Name (or operator) of the node at fault, if it is one node's.</param>
    /// <param name="tensor">Name of the tensor at fault, if it is one tensor's.</param>
    /// <param name="inner">What was caught underneath, if anything.</param>
    public OnnxFormatException(string file, string problem, string? node = null, string? tensor = null, Exception? inner = null)
        : base($"{Path.GetFileName(file)}{Place(node, tensor)}: {problem}", inner) =>
        (File, Node, Tensor) = (file, node, tensor);

    /// <summary>Path of the file at fault.</summary>
    public string File { get; }

    /// <summary>Name of the node at fault, if it is one node's.</summary>
    public string? Node { get; }

    /// <summary>Name of the tensor at fault, if it is one tensor's.</summary>
    public string? Tensor { get; }

    private static string Place(string? node, string? tensor) => (node, tensor) switch
    {
        (null, null) => "",
        (null, _) => $"(tensor '{tensor}')",
        (_, null) => $"(node '{node}')",
        _ => $"(node '{node}', tensor '{tensor}')",
    };
}
