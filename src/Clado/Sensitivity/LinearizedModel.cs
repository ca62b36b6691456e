using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Sensitivity;

/// <summary>A constant of a layer that its candidates change.</summary>
/// <param name="Name">Name of the constant.</param>
/// <param name="Layer">The layer. Range: [0, layers).</param>
/// <param name="Elements">Its elements.</param>
internal readonly record struct LayerConstant(string Name, int Layer, long Elements);

/// <summary>
/// A network's forward pass, a few passes back, and the products of every image's gradients with changes of constants, as one model.
/// A gradient lives until its product is there: no more than one layer's of all images is held.
/// </summary>
/// <param name="Model">The model.</param>
/// <param name="Seeds">Names of the inputs that passes begin with. Shape: [passes][outputs].</param>
/// <param name="Changes">Names of the inputs that get the changes of a constant, by its name. Shape: [candidates of the layer, elements].</param>
/// <param name="Products">Names of the outputs of the passes: [images, candidates], layer by layer. Shape: [passes].</param>
internal sealed record LinearizedModel(
    ModelProto Model, string[][] Seeds, IReadOnlyDictionary<string, string> Changes, string[] Products)
{
    /// <summary>Passes back that share a forward pass. More would share it among more, and keep fewer processors busy.</summary>
    public const int Passes = 2;

    /// <summary>Makes the model.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where it is read.</param>
    /// <param name="constants">The constants, layer by layer. Shape: [constants].</param>
    /// <exception cref="CladoException">An operator has no gradient; the message names node and operator.</exception>
    public static LinearizedModel Of(Graph graph, Readout readout, IReadOnlyList<LayerConstant> constants)
    {
        var names = GraphWalk.Names(graph.Model.Graph);
        string[][] seeds = [.. Enumerable.Range(0, Passes).Select(pass =>
            readout.Outputs.Select((_, output) => Free(names, $"seed_{pass}_{output}")).ToArray())];
        string[] asked = [.. constants.Select(constant => constant.Name)];
        var gradient = Gradient(graph, new GradientRequest(
            [.. seeds.Select(own => own.Zip(readout.Outputs, (input, tensor) => (Seed)new Seed.Given(tensor, input)).ToArray())], asked)
        {
            PerImage = asked.ToHashSet(),
        });
        var model = gradient.Model.Graph;
        var nodes = new NodeWriter(model, GraphWalk.Names(model));
        model.Output.Clear();
        var changes = constants.ToDictionary(constant => constant.Name, constant => Input(model, nodes, constant));
        string[] products = [.. Enumerable.Range(0, Passes).Select(pass =>
        {
            var layers = constants.GroupBy(constant => constant.Layer).OrderBy(layer => layer.Key).Select(layer => layer
                .Select(constant => Product(nodes, gradient.Gradient(constant.Name, pass), changes[constant.Name]))
                .Aggregate((sum, next) => sum + next).Name);
            var all = nodes.Add("Concat", layers, NodeExtensions.Attribute("axis", 1)).Name;
            model.Output.Add(new ValueInfoProto { Name = all });
            return all;
        })];
        return new LinearizedModel(gradient.Model, seeds, changes, products);
    }

    private static GradientGraph Gradient(Graph graph, GradientRequest request)
    {
        try
        {
            return GradientGraph.Of(graph, request);
        }
        catch (OnnxFormatException e)
        {
            throw new CladoException($"{e.Message}; {Settings.Estimator} fisher wants gradients, use additive for this model", e);
        }
    }

    /// <summary>Scalar products of every image's gradient with every change. Shape: [images, candidates of the layer].</summary>
    private static Value Product(NodeWriter nodes, string gradient, string changes)
    {
        var rows = nodes.Add("Flatten", [gradient], NodeExtensions.Attribute("axis", 1));
        return nodes.Add("Gemm", [rows.Name, changes], NodeExtensions.Attribute("transB", 1));
    }

    private static string Input(GraphProto model, NodeWriter nodes, LayerConstant constant)
    {
        var name = nodes.Fresh("change");
        var shape = new TensorShapeProto();
        shape.Dim.Add([new TensorShapeProto.Types.Dimension(), new TensorShapeProto.Types.Dimension { DimValue = constant.Elements }]);
        model.Input.Add(new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } },
        });
        return name;
    }

    private static string Free(ISet<string> names, string name)
    {
        while (!names.Add(name))
        {
            name += "_";
        }
        return name;
    }
}
