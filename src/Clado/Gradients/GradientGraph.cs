using Clado.Graphs;
using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>
/// The gradient of an ONNX graph as an ONNX graph, made of one rule an operator (docs/gradients.md): forward and backward passes in one
/// model that ONNX Runtime runs as any other.
/// </summary>
internal sealed class GradientGraph
{
    private readonly IReadOnlyList<IReadOnlyDictionary<string, string>> gradients;

    private GradientGraph(ModelProto model, IReadOnlyList<IReadOnlyDictionary<string, string>> gradients) =>
        (Model, this.gradients) = (model, gradients);

    /// <summary>
    /// The model: its inputs are those of the graph, of its seeds and what is given, as far as they are read; its outputs are the gradients
    /// and the tensors asked for besides. It is the caller's, to add to.
    /// </summary>
    public ModelProto Model { get; }

    /// <summary>Name of the output that is the gradient by a tensor, in its shape, or [images, …shape] where it is kept apart.</summary>
    /// <param name="tensor">Name of the tensor.</param>
    /// <param name="pass">The backward pass. Range: [0, passes).</param>
    public string Gradient(string tensor, int pass = 0) => gradients[pass][tensor];

    /// <summary>Makes the graph of one backward pass.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="seeds">Where the pass begins.</param>
    /// <param name="withRespectTo">Names of the tensors that gradients are by.</param>
    /// <exception cref="OnnxFormatException">
    /// A gradient would go through an operator for which there is no rule; the message names node and operator.
    /// </exception>
    public static GradientGraph Of(Graph graph, IReadOnlyList<Seed> seeds, IReadOnlyCollection<string> withRespectTo) =>
        Of(graph, new GradientRequest([seeds], withRespectTo));

    /// <summary>Makes the graph.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="request">What is asked of it.</param>
    /// <exception cref="OnnxFormatException">As above.</exception>
    public static GradientGraph Of(Graph graph, GradientRequest request)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var asked = request.WithRespectTo.Distinct().ToArray();
        var wanted = request.Passes.SelectMany(seeds => seeds).Select(seed => seed.Tensor).Concat(request.Outputs)
            .Concat(asked.Where(name => graph.Producer(name) >= 0 && !request.Given.Contains(name))).Distinct().ToArray();
        var context = new GradientContext(graph, GraphPart.Extract(graph, request.Given, wanted));
        var model = context.Model.Graph;
        model.Input.Add(graph.Model.Graph.Input.Where(input => model.Input.All(other => other.Name != input.Name)).Select(i => i.Clone()));
        model.Output.Clear();
        int nodes = model.Node.Count;
        var carrying = GradientPath.From(model.Node, asked, context.Type);
        var inputs = new SeedInputs(context);
        var outputs = new GradientOutputs(context, request.Outputs);
        var gradients = request.Passes.Select(seeds => Back(inputs, nodes, seeds, carrying, request).Outputs(asked, outputs)).ToArray();
        UnusedParts.Remove(model);
        var read = GraphWalk.NamesRead(model).ToHashSet();
        foreach (var input in model.Input.Where(input => !read.Contains(input.Name)).ToArray())
        {
            model.Input.Remove(input);
        }
        return new GradientGraph(context.Model, gradients);
    }

    private static BackwardPass Back(
        SeedInputs inputs, int nodes, IReadOnlyList<Seed> seeds, HashSet<string> carrying, GradientRequest request)
    {
        var pass = new BackwardPass(inputs.Context, carrying, request.PerImage);
        foreach (var seed in seeds)
        {
            pass.Add(seed.Tensor, seed.Write(inputs));
        }
        pass.Run(nodes);
        return pass;
    }
}
