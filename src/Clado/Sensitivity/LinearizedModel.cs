using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// A network's pass forward as a model, and as another one passes back from its outputs, with the scalar products of every image's
/// gradients with what candidates change of the layers.
/// </summary>
/// <param name="Forward">The pass forward: its outputs are those that are read, and what the passes back want to know.</param>
/// <param name="Backward">
/// The passes back. Its inputs are those of the network and outputs of <paramref name="Forward"/>, seeds and changes; its outputs are one a
/// pass, Shape of each: [images, candidates]; then, where rows are measured, another a pass, Shape of each: [images, channels].
/// </param>
/// <param name="Seeds">Names of the inputs that passes begin with. Shape: [passes][outputs].</param>
/// <param name="Changes">The layers' changes by the names of their inputs.</param>
/// <param name="Rows">Rows of the candidates in their order there. Shape: [candidates].</param>
/// <param name="ChannelRows">Rows of those candidates whose channels are measured, in their order there. Shape: [candidates].</param>
/// <param name="Planes">
/// Convolutions which are left to others: gradients by their outputs are outputs of <paramref name="Backward"/> by these names.
/// Shape: [layers].
/// </param>
internal sealed record LinearizedModel(
    ModelProto Forward,
    ModelProto Backward,
    string[][] Seeds,
    IReadOnlyDictionary<string, (float[] Values, long[] Shape)> Changes,
    int[] Rows,
    int[] ChannelRows,
    IReadOnlyList<PlaneOutputs> Planes)
{
    /// <summary>Makes the models.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where it is read.</param>
    /// <param name="layers">The layers' changes. Shape: [layers].</param>
    /// <param name="passes">Passes back. Range: [1, inf).</param>
    /// <exception cref="CladoException">An operator has no gradient; the message names node and operator.</exception>
    public static LinearizedModel Of(Graph graph, Readout readout, IReadOnlyList<LayerChanges> layers, int passes)
    {
        try
        {
            return Make(LocalFunctions.Inlined(graph), readout, layers, passes);
        }
        catch (OnnxFormatException e)
        {
            throw new CladoException($"{e.Message}; {Settings.Estimator} fisher wants gradients, use additive for this model", e);
        }
    }

    private static LinearizedModel Make(Graph graph, Readout readout, IReadOnlyList<LayerChanges> layers, int passes)
    {
        var names = GraphWalk.Names(graph.Model.Graph);
        string[][] seeds = [.. Enumerable.Range(0, passes).Select(pass =>
            readout.Outputs.Select((_, output) => Free(names, $"seed_{pass}_{output}")).ToArray())];
        var (products, planes) = Products(graph, layers, passes);
        var gradient = GradientGraph.Of(graph, new GradientRequest(
            [.. seeds.Select(own => own.Zip(readout.Outputs, (input, tensor) => (Seed)new Seed.Given(tensor, input)).ToArray())],
            [.. products.SelectMany(layer => layer.Tensors).Concat(planes.SelectMany(layer => layer.Outputs)).Distinct()])
        {
            PerImage = products.SelectMany(layer => layer.PerImage).ToHashSet(),
            Outputs = [.. products.SelectMany(layer => layer.Inputs).Where(name => graph.Producer(name) >= 0).Distinct()],
        });
        var model = gradient.Model.Graph;
        names.UnionWith(GraphWalk.Names(model));
        var nodes = new NodeWriter(model, names);
        var inputs = new LinearizedInputs(model, nodes);
        var writers = products.Select(layer => layer.Write(nodes, inputs)).ToArray();
        model.Output.Clear();
        var written = Enumerable.Range(0, passes).Select(pass => writers.Select(write => write(gradient, pass)).ToArray()).ToArray();
        string[] joined = [
            .. written.SelectMany(pass => Joined(nodes, pass.Select(own => own.Whole))),
            .. written.SelectMany(pass => Joined(nodes, pass.Select(own => own.Channels).OfType<Value>())),
        ];
        PlaneOutputs[] outputs = [.. planes.Select(layer => new PlaneOutputs(layer, [.. Enumerable.Range(0, passes).Select(pass =>
            layer.Outputs.Distinct().ToDictionary(name => name, name => gradient.Gradient(name, pass)))]))];
        var beside = outputs.SelectMany(own => own.Gradients).SelectMany(own => own.Values);
        model.Output.Add(joined.Concat(beside).Distinct().Select(name => new ValueInfoProto { Name = name }));
        var (forward, backward) = ModelHalves.Of(
            graph, gradient.Model, [.. readout.Outputs, .. planes.SelectMany(layer => layer.Images)]);
        return new LinearizedModel(
            forward, backward, seeds, inputs.All, [.. products.SelectMany(layer => layer.Rows)],
            [.. products.SelectMany(layer => layer.ChannelRows)], outputs);
    }

    private static string[] Joined(NodeWriter nodes, IEnumerable<Value> products)
    {
        string[] names = [.. products.Select(own => own.Name)];
        return names.Length == 0 ? [] : [nodes.Add("Concat", names, NodeExtensions.Attribute("axis", 1)).Name];
    }

    /// <summary>The ways of the layers, the last first: its gradients are there first, and go when its products are there.</summary>
    private static (LayerProducts[] Products, PlaneProducts[] Planes) Products(Graph graph, IReadOnlyList<LayerChanges> layers, int passes)
    {
        var (products, planes) = (new List<LayerProducts>(), new List<PlaneProducts>());
        foreach (var changes in layers.Reverse())
        {
            LinearUse[] uses = [.. graph.Consumers(changes.Layer.Weight).Select(node => new LinearUse(graph, changes.Layer, node))];
            if (PlaneProducts.Of(graph, changes, uses) is { } own)
            {
                planes.Add(own);
            }
            else
            {
                products.Add(new LayerProducts(changes, uses, passes));
            }
        }
        return ([.. products], [.. planes]);
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

/// <summary>Where the gradients are that a layer's products are made of outside of the models.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Gradients">Of every pass, names of outputs of the passes back by those of the layer's outputs. Shape: [passes].</param>
internal sealed record PlaneOutputs(PlaneProducts Layer, IReadOnlyList<IReadOnlyDictionary<string, string>> Gradients);
