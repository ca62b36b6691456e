using Clado.Onnx;

namespace Clado.Gradients;

/// <summary>Outputs of a gradient graph: every name once.</summary>
internal sealed class GradientOutputs
{
    private readonly GradientContext context;
    private readonly HashSet<string> taken;

    /// <summary>Begins with tensors of the network.</summary>
    public GradientOutputs(GradientContext context, IEnumerable<string> outputs)
    {
        this.context = context;
        taken = [.. context.Model.Graph.Input.Select(input => input.Name)];
        foreach (var output in outputs.Distinct())
        {
            Declare(output);
        }
    }

    /// <summary>Makes a tensor an output.</summary>
    /// <returns>Its name there.</returns>
    public string Add(Value value)
    {
        bool isGiven = context.Model.Graph.Input.Any(input => input.Name == value.Name);
        var name = taken.Contains(value.Name) || isGiven ? value.Then("Identity").Name : value.Name;
        Declare(name);
        return name;
    }

    private void Declare(string name)
    {
        taken.Add(name);
        context.Model.Graph.Output.Add(new ValueInfoProto { Name = name });
    }
}
