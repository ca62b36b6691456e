using Clado.Onnx;
using Clado.Onnx.Upgrade;

namespace Clado.Graphs;

/// <summary>
/// Functions of the model itself: a chain of nodes that many layers need is paid once in the file and called by name. ONNX Runtime inlines them at load.
/// </summary>
internal static class LocalFunctions
{
    /// <summary>Domain of the functions.</summary>
    public const string Domain = "clado";

    /// <summary>An empty function of the standard operators of the opset Clado writes.</summary>
    public static FunctionProto Create(string name, IEnumerable<string> inputs, string output, int opset = OpsetUpgrade.TargetOpset)
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

    /// <summary>Adds functions to a model, and the import of their domain where it is not there yet.</summary>
    public static void Add(ModelProto model, IReadOnlyCollection<FunctionProto> functions)
    {
        model.Functions.Add(functions);
        if (functions.Count > 0 && model.OpsetImport.All(o => o.Domain != Domain))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = Domain, Version = 1 });
        }
    }
}
