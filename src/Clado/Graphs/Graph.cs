using System.Collections.Frozen;
using Clado.Graphs.Integers;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// A model ready to be looked at and cut: of opset 25 (or 21, for older runtimes), nodes in topological order, constants resolved,
/// normalizations folded into convolutions, types and shapes known. Immutable: nobody changes its model.
/// </summary>
internal sealed class Graph
{
    private readonly ModelSource source;

    private Graph(
        ModelSource source, GraphInputs inputs, ModelProto model, ProbedShapes shapes, TaskDecision? decision = null,
        IReadOnlyDictionary<string, string>? namesInFile = null)
    {
        (Decision, NamesInFile) = (decision, namesInFile ?? FrozenDictionary<string, string>.Empty);
        (this.source, Inputs, Model, InputShape, Tensors) = (source, inputs, model, shapes.Input, shapes.Tensors);
        Initializers = model.Graph.Initializer.ToFrozenDictionary(t => t.Name);
        Walk = new GraphWalk(model.Graph.Node);
    }

    /// <summary>All that is known of the graph besides its model, as <see cref="Of"/> takes it.</summary>
    internal GraphState State => new(source, Inputs.State, new ProbedShapes(InputShape, Tensors), Decision);

    /// <summary>Path of the file the graph was read from.</summary>
    public string File => source.File;

    /// <summary>SHA-256 of the model (its file's bytes, external data included), lower-case hexadecimal.</summary>
    public string Hash => source.Hash;

    /// <summary>The opset the file was written for.</summary>
    public int OriginalOpset => source.Opset;

    /// <summary>Bytes of the file, external data included.</summary>
    public long FileSizeBytes => source.SizeBytes;

    /// <summary>Types other than float that the file's network computes in; here they are floats. Shape: [types].</summary>
    internal IReadOnlyList<DataType> Precisions => source.Precisions;

    /// <summary>
    /// Types of inputs and outputs in the file, by name, where those are of another precision; here they are floats.
    /// </summary>
    internal IReadOnlyDictionary<string, DataType> TypesInFile => source.EndTypes;

    /// <summary>The model at <see cref="Opset"/>. Not to be changed.</summary>
    internal ModelProto Model { get; }

    /// <summary>The opset it was raised to, and so that of what is written of it: 25 or 21.</summary>
    public int Opset => Model.Opset();

    /// <summary>The nodes in topological order. Shape: [nodes].</summary>
    internal IReadOnlyList<NodeProto> Nodes => Model.Graph.Node;

    /// <summary>Who reads what.</summary>
    internal GraphWalk Walk { get; }

    /// <summary>The constant tensors by name.</summary>
    internal IReadOnlyDictionary<string, TensorProto> Initializers { get; }

    /// <summary>Type and shape of every tensor but the initializers, by name. Sequences are no tensors.</summary>
    internal IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>The image input, and what the others get.</summary>
    internal GraphInputs Inputs { get; }

    /// <summary>Shape of the image input, and what was assumed of it.</summary>
    internal InputShape InputShape { get; }

    /// <summary>Name of the image input.</summary>
    internal string Input => Inputs.Image;

    /// <summary>What it was decided to be for; null where its structure alone says.</summary>
    internal TaskDecision? Decision { get; }

    /// <summary>What tensors are called in written files, where that is not what they are called here, by their names here.</summary>
    internal IReadOnlyDictionary<string, string> NamesInFile { get; }

    /// <summary>Names of the outputs. Shape: [outputs].</summary>
    internal IEnumerable<string> Outputs => Model.Graph.Output.Select(o => o.Name);

    /// <summary>How many tensors the model itself rounds to a grid when it runs.</summary>
    internal int ActivationGrids => Nodes.Count(Integers.ActivationGrids.IsGrid);

    /// <summary>Whether several images can go through at once: false where the model fixes its batch to one, or mixes images.</summary>
    internal bool HasFreeBatch => InputShape.HasFreeBatch;

    /// <summary>Reads a model file and makes it ready.</summary>
    /// <param name="path">Path of the <c>.onnx</c> file.</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="opset">The opset to raise it to: 25 or 21.</param>
    /// <param name="grids">What becomes of what it has quantized already.</param>
    /// <exception cref="OnnxFormatException">The file is no usable model; the message says where and why.</exception>
    public static Graph Read(
        string path, InputOptions? inputs = null, int opset = OpsetUpgrade.TargetOpset, GridHandling grids = GridHandling.Keep)
    {
        var original = OnnxFile.Read(path);
        return Create(OpsetUpgrade.Apply(original, path, opset), original, SourceOf(original, path), inputs, grids);
    }

    /// <summary>Makes a graph of a model in memory that is at opset 25 or 21 already.</summary>
    /// <param name="model">The model; it is copied.</param>
    /// <param name="name">Name that errors call it by.</param>
    /// <param name="inputs">Which input is the image, and values of the others; null where the image is the only one.</param>
    /// <param name="grids">What becomes of what it has quantized already.</param>
    /// <exception cref="OnnxFormatException">The model is not usable.</exception>
    internal static Graph FromModel(ModelProto model, string name, InputOptions? inputs = null, GridHandling grids = GridHandling.Keep) =>
        Create(model.Clone(), model, SourceOf(model, name), inputs, grids);

    /// <summary>The graph that a state was taken of: nothing is looked at, and nothing runs.</summary>
    /// <param name="model">Its model; it is taken over.</param>
    /// <param name="state">What is known of it.</param>
    internal static Graph Of(ModelProto model, GraphState state) =>
        new(state.Source, GraphInputs.Of(state.Inputs), model, state.Shapes, state.Decision);

    /// <summary>The same graph with the values of some constants replaced. Its source stays the model that was read.</summary>
    /// <param name="initializers">Constants of the graph's names, types and shapes.</param>
    internal Graph With(IEnumerable<TensorProto> initializers)
    {
        var replaced = initializers.ToDictionary(t => t.Name);
        var model = GraphPart.Shell(Model);
        // Nodes, inputs and outputs are shared with this graph: nobody changes either.
        model.Graph.Node.Add(Model.Graph.Node);
        model.Graph.Input.Add(Model.Graph.Input);
        model.Graph.Output.Add(Model.Graph.Output);
        model.Graph.Initializer.Add(Model.Graph.Initializer.Select(t => replaced.GetValueOrDefault(t.Name, t)));
        return new Graph(source, Inputs, model, new ProbedShapes(InputShape, Tensors), Decision, NamesInFile);
    }

    /// <summary>The graph with other nodes and constants. Its source stays the model that was read.</summary>
    /// <param name="model">A model of this graph's opset with its inputs and outputs.</param>
    internal Graph With(ModelProto model)
    {
        TopologicalOrder.Sort(model.Graph, File);
        var shapes = new ProbedShapes(InputShape, ShapeProbe.Run(model, Inputs, InputShape, File));
        return new Graph(source, Inputs, model, shapes, Decision, NamesInFile);
    }

    /// <summary>The graph of a network that was decided to be for something.</summary>
    /// <param name="decision">What for; null to go by its structure.</param>
    internal Graph For(TaskDecision? decision) =>
        decision == Decision ? this : new Graph(source, Inputs, Model, new ProbedShapes(InputShape, Tensors), decision, NamesInFile);

    /// <summary>The graph, whose files have short names for what lies inside (<see cref="ShortNames"/>).</summary>
    internal Graph WithShortNames() =>
        new(source, Inputs, Model, new ProbedShapes(InputShape, Tensors), Decision, ShortNames.Of(this));

    /// <summary>What the input of a network that is compared with this one gets, where its file leaves the size free.</summary>
    /// <param name="inputs">What is said of that network's inputs.</param>
    internal InputOptions SuggestSize(InputOptions inputs) =>
        InputShape.Size is var (height, width)
            ? inputs with { Likely = new(height, width, "as the model it is compared with has it") }
            : inputs;

    /// <summary>Index of the node that makes a tensor, or -1 for inputs and initializers.</summary>
    /// <param name="tensor">Name of the tensor.</param>
    internal int Producer(string tensor) => Walk.Producer(tensor);

    /// <summary>Indices of the nodes that read a tensor, themselves or in their bodies, ascending. Shape: [consumers].</summary>
    /// <param name="tensor">Name of the tensor.</param>
    internal IReadOnlyList<int> Consumers(string tensor) => Walk.Readers(tensor);

    /// <summary>
    /// Names of the tensors, constants too, that a part of the graph has to be given. A sequence is not given but made again: the tensors
    /// it is made of are given in its place.
    /// </summary>
    /// <param name="part">Indices of its nodes. Shape: [part].</param>
    internal IReadOnlySet<string> Needs(IEnumerable<int> part) => Walk.Needs([.. WithMakers(part)]);

    /// <summary>A part of the graph together with the nodes that make the sequences it reads: what runs when it runs.</summary>
    /// <param name="part">Indices of its nodes. Shape: [part].</param>
    /// <returns>Indices. Shape: [nodes].</returns>
    internal IReadOnlySet<int> WithMakers(IEnumerable<int> part)
    {
        var nodes = part.ToHashSet();
        while (true)
        {
            var sequences = Walk.Needs([.. nodes]).Where(name => !Tensors.ContainsKey(name));
            int[] makers = [.. sequences.Select(Producer).Where(maker => maker >= 0)];
            if (makers.Length == 0)
            {
                return nodes;
            }
            nodes.UnionWith(makers);
        }
    }

    private static ModelSource SourceOf(ModelProto model, string file) =>
        new(file, ModelHash.Compute(model), model.Opset(), model.SizeBytes());

    private static Graph Create(
        ModelProto model, ModelProto original, ModelSource source, InputOptions? options, GridHandling grids)
    {
        var file = source.File;
        TopologicalOrder.Sort(model.Graph, file);
        var converted = SinglePrecision.Apply(model, file);
        if (converted is not null)
        {
            source = source with { EndTypes = converted.Ends, Precisions = converted.Inside };
            IdleCasts.Remove(model, file);
        }
        QuantizedForms.Settle(model, file, grids);
        AffineFolding.Apply(model.Graph, file);
        ProductFolding.Factors(model.Graph, file);
        UnusedParts.Remove(model.Graph);
        HiddenStates.Name(model.Graph);
        options ??= new();
        var inputs = GraphInputs.Of(EndTypes.Inputs(model.Graph, source.EndTypes), options, file).InFloats();
        var shapes = ShapeProbe.Find(model, inputs, options, file);
        if (source.Precisions.Count > 0)
        {
            shapes = shapes with { Input = PrecisionNotes.AddTo(shapes.Input, source.Precisions, new(original, model, inputs, file)) };
        }
        if (EinsumRewriting.Apply(model.Graph, file, name => shapes.Tensors.GetValueOrDefault(name)?.Shape))
        {
            shapes = shapes with { Tensors = ShapeProbe.Run(model, inputs, shapes.Input, file) };
        }
        ProductFolding.BatchesOfOne(model.Graph, file, name => shapes.Tensors.GetValueOrDefault(name)?.Shape.Count);
        return new Graph(source, inputs, model, shapes);
    }
}

/// <summary>What is known of a graph besides its model. What its tensors are called in written files is not part of it.</summary>
/// <param name="Source">The file it was read from.</param>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Shapes">Types and shapes of its tensors.</param>
/// <param name="Decision">What it was decided to be for; null where its structure alone says.</param>
internal sealed record GraphState(ModelSource Source, InputState Inputs, ProbedShapes Shapes, TaskDecision? Decision);
