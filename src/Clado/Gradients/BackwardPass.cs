using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>One way back through a graph: from its seeds, node by node, to what is asked for.</summary>
internal sealed class BackwardPass
{
    private readonly IReadOnlySet<string> carrying;
    private readonly IReadOnlySet<string> perImage;
    private readonly Dictionary<string, List<Value>> gradients = [];

    /// <summary>Begins at the seeds.</summary>
    /// <param name="context">The graph.</param>
    /// <param name="carrying">Names of the tensors that change with what is asked for.</param>
    /// <param name="perImage">Names of the constants whose gradients are kept apart, image by image.</param>
    public BackwardPass(GradientContext context, IReadOnlySet<string> carrying, IReadOnlySet<string> perImage) =>
        (Context, this.carrying, this.perImage) = (context, carrying, perImage);

    public GradientContext Context { get; }

    /// <summary>Adds to the gradient by a tensor.</summary>
    public void Add(string tensor, Value gradient)
    {
        if (!gradients.TryGetValue(tensor, out var terms))
        {
            gradients.Add(tensor, terms = []);
        }
        terms.Add(gradient);
    }

    /// <summary>Whether anything asked for depends on a tensor.</summary>
    public bool IsWanted(string tensor) => tensor.Length > 0 && carrying.Contains(tensor);

    public bool IsPerImage(string tensor) => perImage.Contains(tensor);

    /// <summary>Whether a gradient has come to a tensor.</summary>
    public bool Has(string tensor) => gradients.ContainsKey(tensor);

    /// <summary>Whether a gradient goes through a tensor.</summary>
    public bool IsOnPath(string tensor) => IsWanted(tensor) || Has(tensor);

    /// <summary>The gradient by a tensor, whose parts are added; null where none has come to it.</summary>
    public Value? Total(string tensor)
    {
        if (!gradients.TryGetValue(tensor, out var terms))
        {
            return null;
        }
        if (terms.Count > 1)
        {
            var sum = terms.Count == 2 ? terms[0] + terms[1] : terms[0].Then("Sum", [.. terms.Skip(1)]);
            terms.Clear();
            terms.Add(sum);
        }
        return terms[0];
    }

    /// <summary>Goes through the nodes, last first, and past those that nothing depends on or that depend on nothing.</summary>
    /// <param name="nodes">How many of the model's nodes are the network's.</param>
    public void Run(int nodes)
    {
        for (int i = nodes - 1; i >= 0; i--)
        {
            var node = Context.Model.Graph.Node[i];
            if (node.Output.Any(Has) && GraphWalk.Reads(node).Any(IsWanted) && !GradientRules.IsFlat(node))
            {
                new LocalGradient(this, i).Apply();
            }
        }
    }

    /// <summary>Makes gradients outputs; zeros where nothing depends on a tensor.</summary>
    /// <param name="tensors">Names of the tensors. Shape: [tensors].</param>
    /// <param name="outputs">Where they go.</param>
    /// <returns>Names of the outputs by those of the tensors.</returns>
    public IReadOnlyDictionary<string, string> Outputs(IEnumerable<string> tensors, GradientOutputs outputs) =>
        tensors.ToDictionary(tensor => tensor, tensor => outputs.Add(Total(tensor) ?? Nothing(tensor)));

    private Value Nothing(string tensor)
    {
        var zeros = Context.Of(tensor).Zeros();
        if (!IsPerImage(tensor))
        {
            return zeros;
        }
        var images = Context.Of(Context.Graph.Input).With(
            "Shape", [NodeExtensions.Attribute("start", 0), NodeExtensions.Attribute("end", 1)]);
        var ones = Context.Nodes.Integers([.. Context.Info(tensor).Shape.Select(_ => 1L)]);
        return zeros.Unsqueeze(0).Then("Expand", images.With("Concat", [NodeExtensions.Attribute("axis", 0)], ones));
    }
}
