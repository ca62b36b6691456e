using Clado.Graphs;
using Clado.Onnx;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Gradients;

/// <summary>What a rule sees: a node, the gradients by its outputs, and who wants them by its inputs.</summary>
internal sealed class LocalGradient
{
    private readonly BackwardPass pass;
    private readonly int index;
    private readonly HashSet<int> given = [];
    private readonly HashSet<int> used = [];

    /// <summary>Looks at a node.</summary>
    /// <param name="pass">The pass that comes by.</param>
    /// <param name="index">Index of the node in the model.</param>
    public LocalGradient(BackwardPass pass, int index) => (this.pass, this.index) = (pass, index);

    public GradientContext Context => pass.Context;

    public NodeProto Node => Context.Model.Graph.Node[index];

    public NodeWriter Nodes => Context.Nodes;

    /// <summary>The gradient by the node's first output.</summary>
    public Value G => GradientOf(0) ?? Context.Of(Node.Output[0]).Zeros();

    /// <summary>The node's first output.</summary>
    public Value Y => Context.Of(Node.Output[0]);

    /// <summary>How many inputs the node has, absent ones among them.</summary>
    public int Slots => Node.Operands().Count;

    /// <summary>An input.</summary>
    public Value X(int slot) => Context.Of(Node.Operand(slot));

    /// <summary>Whether an optional input is there.</summary>
    public bool Has(int slot) => Node.Operand(slot).Length > 0;

    public TensorInfo Shape(int slot) => Context.Info(Node.Operand(slot));

    public TensorInfo OutputShape(int output = 0) => Context.Info(Node.Output[output]);

    public int Rank(int slot) => Shape(slot).Shape.Count;

    /// <summary>The gradient by an output; null where nothing depends on it.</summary>
    public Value? GradientOf(int output)
    {
        used.Add(output);
        return Node.Output[output].Length > 0 ? pass.Total(Node.Output[output]) : null;
    }

    /// <summary>An optional output, which the node makes from now on.</summary>
    public Value Extra(int output)
    {
        if (Node.Output.Count <= output || Node.Output[output].Length == 0)
        {
            var more = Node.Clone();
            while (more.Output.Count <= output)
            {
                more.Output.Add("");
            }
            more.Output[output] = Nodes.Fresh("f");
            Context.Model.Graph.Node[index] = more;
        }
        return Context.Of(Node.Output[output]);
    }

    /// <summary>Whether anything asked for depends on an input.</summary>
    public bool Wants(int slot) => pass.IsWanted(Node.Operand(slot));

    /// <summary>Gives the gradient by an input, in its shape.</summary>
    public void Give(int slot, Value gradient)
    {
        given.Add(slot);
        if (Wants(slot))
        {
            if (pass.IsPerImage(Node.Operand(slot)))
            {
                throw Context.Error(Node, $"{Node.OpType} gives no gradient an image, only their sum", Node.Operand(slot));
            }
            pass.Add(Node.Operand(slot), gradient);
        }
    }

    /// <summary>Gives the gradient by an input that was broadcast to the node's output.</summary>
    public void GiveReduced(int slot, Value gradient) => GiveReduced(slot, gradient, OutputShape());

    /// <summary>Gives the gradient by an input that was broadcast to some shape.</summary>
    public void GiveReduced(int slot, Value gradient, TensorInfo from)
    {
        given.Add(slot);
        if (!Wants(slot))
        {
            return;
        }
        pass.Add(Node.Operand(slot), pass.IsPerImage(Node.Operand(slot))
            ? PerImageGradient.Reduce(this, slot, gradient, from)
            : GradientContext.Reduce(gradient, from, Shape(slot)));
    }

    /// <summary>Gives the gradient by a constant that serves every image.</summary>
    /// <param name="slot">The input.</param>
    /// <param name="gradient">One an entry of the node's batch. Shape: [batch, …constant].</param>
    /// <param name="batch">Length of the batch for one image.</param>
    public void GiveShared(int slot, Value gradient, long batch)
    {
        given.Add(slot);
        if (Wants(slot))
        {
            pass.Add(Node.Operand(slot), pass.IsPerImage(Node.Operand(slot))
                ? PerImageGradient.Fold(this, slot, gradient, batch)
                : gradient.SumAway(0));
        }
    }

    /// <summary>Whether the gradient by an input is wanted of every image.</summary>
    public bool IsPerImage(int slot) => pass.IsPerImage(Node.Operand(slot));

    /// <summary>Says that an input makes no difference.</summary>
    public void GiveNothing(int slot) => given.Add(slot);

    /// <summary>Axes of an integer list input that is a constant.</summary>
    public long[] Constant(int slot) => Context.Integers(Node.Operand(slot))
        ?? throw Context.Error(Node, $"{Node.OpType} has no gradient here where this input depends on the image", Node.Operand(slot));

    public OnnxFormatException Refused(string why) => Context.Error(Node, $"no gradient goes through this {Node.OpType}: {why}");

    /// <summary>Applies the rule, and looks that it has left nothing out.</summary>
    public void Apply()
    {
        var rule = GradientRules.Find(Node)
            ?? throw Context.Error(Node, $"a gradient would go through operator {GradientRules.NameOf(Node)}, for which there is no rule");
        if (Node.Operands().Concat(Node.Output).FirstOrDefault(IsUnreadable) is { } other)
        {
            throw Context.Error(Node, $"gradients go through floats, not through {$"{Context.Type(other)}".ToUpperInvariant()}", other);
        }
        var outputs = Enumerable.Range(0, Node.Output.Count).Where(i => Node.Output[i].Length > 0 && pass.Has(Node.Output[i])).ToArray();
        rule(this);
        foreach (int slot in Enumerable.Range(0, Slots).Where(slot => Wants(slot) && !given.Contains(slot)))
        {
            throw Context.Error(Node, $"{Node.OpType} has no rule for the gradient by this input", Node.Operand(slot));
        }
        foreach (int output in outputs.Where(output => !used.Contains(output)))
        {
            throw Context.Error(Node, $"{Node.OpType} has no rule for the gradient by this output", Node.Output[output]);
        }
    }

    private bool IsUnreadable(string tensor) =>
        tensor.Length > 0 && Context.Type(tensor) is DataType.Double or DataType.Float16 or DataType.Bfloat16 && pass.IsOnPath(tensor);
}
