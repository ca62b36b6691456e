using Clado.Onnx;
using Clado.Onnx.Upgrade;

namespace Clado.Graphs;

/// <summary>
/// Functions of the model itself: a chain of nodes that many layers need is paid once in the file and called by name.
/// ONNX Runtime inlines them at load.
/// </summary>
internal static class LocalFunctions
{
    /// <summary>Domain of the functions.</summary>
    public const string Domain = FunctionInlining.OwnDomain;

    /// <summary>An empty function of the standard operators of an opset.</summary>
    public static FunctionProto Create(string name, IEnumerable<string> inputs, string output, int opset)
    {
        var function = new FunctionProto { Name = name, Domain = Domain };
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        function.Input.Add(inputs);
        function.Output.Add(output);
        return function;
    }

    /// <summary>A call of a function.</summary>
    public static NodeProto Call(string name, IEnumerable<string> inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        var node = NodeExtensions.Node(name, inputs, output, attributes);
        node.Domain = Domain;
        return node;
    }

    /// <summary>
    /// Adds functions to a model, and the import of their domain, where they are not there yet: a model may be one that Clado wrote.
    /// </summary>
    /// <exception cref="CladoException">The model has another function of that name.</exception>
    public static void Add(ModelProto model, IReadOnlyCollection<FunctionProto> functions)
    {
        foreach (var function in functions.Where(f => !model.Functions.Contains(f)))
        {
            if (model.Functions.Any(f => f.Domain == function.Domain && f.Name == function.Name))
            {
                throw new CladoException(
                    $"the model has a function {Domain}.{function.Name} of its own, written by another version or for another opset; "
                    + "quantize the float model it was made from");
            }
            model.Functions.Add(function);
        }
        if (functions.Count > 0 && model.OpsetImport.All(o => o.Domain != Domain))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = Domain, Version = 1 });
        }
    }
}
