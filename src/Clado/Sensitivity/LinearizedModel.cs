using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Sensitivity;

/// <summary>
/// A network's forward pass, passes back from its outputs, and the scalar products of every image's gradients with what candidates change
/// of the layers' outputs, as one model. A layer is applied to the changes of its constants once, however many passes there are.
/// </summary>
/// <param name="Model">The model: its output is [images, candidates, passes].</param>
/// <param name="Seeds">Names of the inputs that passes begin with. Shape: [passes][outputs].</param>
/// <param name="Rows">Rows of the candidates in their order there. Shape: [candidates].</param>
internal sealed record LinearizedModel(ModelProto Model, string[][] Seeds, int[] Rows)
{
    /// <summary>Makes the model.</summary>
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
        var uses = layers.SelectMany(changes => graph.Consumers(changes.Layer.Weight)
            .Select(node => new LinearUse(graph, changes, node))).ToArray();
        string[] biases = [.. uses.Select(use => use.BiasElsewhere).OfType<string>().Distinct()];
        var gradient = GradientGraph.Of(graph, new GradientRequest(
            [.. seeds.Select(own => own.Zip(readout.Outputs, (input, tensor) => (Seed)new Seed.Given(tensor, input)).ToArray())],
            [.. uses.Select(use => use.Output).Concat(biases).Distinct()])
        {
            PerImage = biases.ToHashSet(),
            Outputs = [.. uses.SelectMany(use => use.Inputs).Where(name => graph.Producer(name) >= 0).Distinct()],
        });
        var model = gradient.Model.Graph;
        var nodes = new NodeWriter(model, GraphWalk.Names(model));
        model.Output.Clear();
        // The last layer first: its gradients are there first, and go when its products are there.
        var reversed = layers.Reverse().ToArray();
        var products = reversed.Select(changes =>
            new LayerProducts(nodes, gradient, passes, uses.Where(use => use.Changes == changes)).Sum().Name);
        var all = nodes.Add("Concat", [.. products], NodeExtensions.Attribute("axis", 1));
        model.Output.Add(new ValueInfoProto { Name = all.Name });
        var missing = GraphWalk.NamesRead(model).Except(model.Input.Select(input => input.Name)).ToHashSet();
        model.Input.Add(graph.Model.Graph.Input.Where(input => missing.Contains(input.Name)).Select(input => input.Clone()));
        return new LinearizedModel(gradient.Model, seeds, [.. reversed.SelectMany(changes => changes.Rows)]);
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
