using System.Collections.Frozen;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>What a network takes: an image, and constants for whatever else it asks for.</summary>
internal sealed class GraphInputs
{
    // What the image is fed as, and what it is rounded to before: the type in the file.
    private readonly DataType type;
    private readonly DataType fileType;

    private GraphInputs(ValueInfoProto image, ConstantInput[] constants)
    {
        (Image, Description, Constants) = (image.Name, Describe(image), constants);
        type = fileType = (DataType)image.Type.TensorType.ElemType;
        Declared = Dims(image);
        Names = constants.Select(c => c.Name).Append(image.Name).ToFrozenSet();
    }

    private GraphInputs(GraphInputs inputs, Func<string, DataType, DataType> typeOf)
    {
        (Image, Description, Declared, Names) = (inputs.Image, inputs.Description, inputs.Declared, inputs.Names);
        (type, fileType) = (typeOf(Image, inputs.type), inputs.fileType);
        Constants = [.. inputs.Constants.Select(constant => constant.As(typeOf(constant.Name, constant.Type)))];
    }

    private GraphInputs(InputState state)
    {
        (Image, Description, Declared, Constants) = (state.Image, state.Description, state.Declared, state.Constants);
        (type, fileType) = (state.Type, state.FileType);
        Names = Constants.Select(c => c.Name).Append(Image).ToFrozenSet();
    }

    /// <summary>All that is known of them, as <see cref="Of(InputState)"/> takes it.</summary>
    public InputState State => new(Image, type, fileType, Description, Declared, Constants);

    /// <summary>Name of the image input.</summary>
    public string Image { get; }

    /// <summary>Whether the image is of bytes, not of floats.</summary>
    public bool TakesBytes => type == DataType.Uint8;

    /// <summary>Its type and shape in the file, in words.</summary>
    public string Description { get; }

    /// <summary>
    /// Its shape in the file, null where that leaves a dimension free; null altogether where the rank is not known. Shape: [rank].
    /// </summary>
    public IReadOnlyList<long?>? Declared { get; }

    /// <summary>The other inputs. Shape: [inputs].</summary>
    public IReadOnlyList<ConstantInput> Constants { get; }

    /// <summary>Names of all inputs.</summary>
    public IReadOnlySet<string> Names { get; }

    /// <summary>The inputs that a state was taken of.</summary>
    /// <param name="state">The state.</param>
    internal static GraphInputs Of(InputState state) => new(state);

    /// <summary>Tells the inputs of a graph apart.</summary>
    /// <param name="graph">The graph; initializers are not among its inputs.</param>
    /// <param name="options">What is said of them.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">
    /// No input, or more than one, may be the image, or others have no values that fit them. The message says how to give them.
    /// </exception>
    internal static GraphInputs Of(GraphProto graph, InputOptions options, string file)
    {
        var names = string.Join(", ", graph.Input.Select(i => i.Name));
        if (options.Values.Keys.FirstOrDefault(name => graph.Input.All(i => i.Name != name)) is { } unknown)
        {
            throw new OnnxFormatException(file, $"has no input '{unknown}' that could be set; its inputs are: {names}");
        }
        var image = Checked(FindImage(graph, options, names, file), file);
        var others = graph.Input.Where(i => i != image).ToArray();
        var missing = others.Where(i => !options.Values.ContainsKey(i.Name)).ToArray();
        if (missing.Length > 0)
        {
            var list = string.Join(", ", missing.Select(i => $"'{i.Name}' ({Describe(i)})"));
            var settings = string.Join(" ", missing.Select(i => $"{Settings.Values} {i.Name}=VALUE"));
            throw new OnnxFormatException(
                file,
                $"takes more than the image '{image.Name}': {list}; give values that hold for every image with {settings}, "
                    + "one for all elements or as many as elements: VALUE,VALUE,…");
        }
        if (options.Values.ContainsKey(image.Name))
        {
            throw new OnnxFormatException(
                file, $"is the image, which cannot be set; name another with {Settings.Image}", tensor: image.Name);
        }
        bool free = Dims(image)?[0] is null;
        return new GraphInputs(image, [.. others.Select(i => ConstantInput.Of(i, options.Values[i.Name], free, file))]);
    }

    /// <summary>The same values for a network that takes floats in place of another precision.</summary>
    public GraphInputs InFloats() => new(this, (_, own) => FloatTypes.IsOther((int)own) ? DataType.Float : own);

    /// <summary>The same values for a model, in the types that it takes.</summary>
    /// <param name="model">A model of these inputs.</param>
    public GraphInputs For(ModelProto model)
    {
        var types = model.Graph.Input.ToDictionary(input => input.Name, input => (DataType)(input.Type?.TensorType?.ElemType ?? 0));
        return new(this, (name, own) => types.TryGetValue(name, out var found) && found != DataType.Undefined ? found : own);
    }

    /// <summary>Type and shape of an input, in words.</summary>
    internal static string Describe(ValueInfoProto input)
    {
        if (input.Type?.TensorType is not { } type)
        {
            return "no tensor";
        }
        var dims = type.Shape?.Dim.Select(d => d.HasDimValue ? Invariant($"{d.DimValue}") : "?") ?? ["unknown rank"];
        return $"{(DataType)type.ElemType} [{string.Join(", ", dims)}]";
    }

    /// <summary>The values of all inputs for some images.</summary>
    /// <param name="pixels">The images. Shape: [images, …input].</param>
    /// <param name="shape">Shape of that tensor. Shape: [rank].</param>
    /// <returns>Values by name; the caller disposes them.</returns>
    internal InputFeed Feed(float[] pixels, long[] shape)
    {
        var feed = new InputFeed { { Image, ImageTensor.Of(ImageTensor.Rounded(pixels, fileType), shape, type) } };
        try
        {
            foreach (var constant in Constants)
            {
                feed.Add(constant.Name, constant.Value((int)shape[0]));
            }
            return feed;
        }
        catch
        {
            feed.Dispose();
            throw;
        }
    }

    private static ValueInfoProto FindImage(GraphProto graph, InputOptions options, string names, string file)
    {
        if (options.Image is { } name)
        {
            return graph.Input.FirstOrDefault(i => i.Name == name)
                ?? throw new OnnxFormatException(file, $"has no input '{name}' ({Settings.Image}); its inputs are: {names}");
        }
        if (graph.Input.Count <= 1)
        {
            return graph.Input.FirstOrDefault()
                ?? throw new OnnxFormatException(file, "has no inputs; a vision model with an image input is wanted");
        }
        var unset = graph.Input.Where(i => !options.Values.ContainsKey(i.Name)).ToArray();
        // Bytes and alpha are what images have less often: only where nothing else could be one.
        if ((unset.Any(IsUsual) ? unset.Where(IsUsual) : unset.Where(IsUnusual)).ToArray() is [var only])
        {
            return only;
        }
        var list = string.Join(", ", graph.Input.Select(i => $"'{i.Name}': {Describe(i)}"));
        var other = unset.LastOrDefault() ?? graph.Input[^1];
        throw new OnnxFormatException(
            file,
            $"has {graph.Input.Count} inputs ({list}), and which is the image cannot be told from their shapes; "
                + $"name it with {Settings.Image}, and give each of the others a value that holds for every image, such as "
                + $"{Settings.Values} {other.Name}=0: one for all elements, or as many as elements, VALUE,VALUE,…");
    }

    private static bool IsUsual(ValueInfoProto input) =>
        HasImageShape(input, d => d is 1 or 3, [.. ImageTensor.Types.Where(type => type != DataType.Uint8)]);

    private static bool IsUnusual(ValueInfoProto input) => HasImageShape(input, d => d is 1 or 3 or 4, ImageTensor.Types);

    private static bool HasImageShape(ValueInfoProto input, Func<long, bool> isChannels, IReadOnlyList<DataType> types) =>
        input.Type?.TensorType is { Shape: { Dim.Count: 4 } shape } type && types.Contains((DataType)type.ElemType)
        && (!shape.Dim[1].HasDimValue || isChannels(shape.Dim[1].DimValue) || isChannels(shape.Dim[3].DimValue));

    private static ValueInfoProto Checked(ValueInfoProto image, string file)
    {
        var type = image.Type?.TensorType;
        if (type is null || !ImageTensor.Types.Contains((DataType)type.ElemType) || type.Shape is { Dim.Count: 0 })
        {
            var problem = $"the input is {Describe(image)}; an image input of floats or bytes is wanted";
            throw new OnnxFormatException(file, problem, tensor: image.Name);
        }
        var dims = Dims(image);
        if (dims is [> 1, _, _])
        {
            var problem = $"the input is {Describe(image)}, which has no dimension for the batch; export the model with [1, …] in front";
            throw new OnnxFormatException(file, problem, tensor: image.Name);
        }
        if (dims is [> 1, ..] and [var batch, ..])
        {
            var problem = Invariant($"the batch is fixed to {batch}; export the model with a free batch or a batch of 1");
            throw new OnnxFormatException(file, problem, tensor: image.Name);
        }
        return image;
    }

    /// <summary>The shape of an input in its file, as <see cref="Declared"/> has it. Shape: [rank].</summary>
    private static long?[]? Dims(ValueInfoProto input) =>
        input.Type.TensorType.Shape is { } shape ? [.. shape.Dim.Select(dim => dim.HasDimValue ? dim.DimValue : (long?)null)] : null;
}

/// <summary>What is known of a network's inputs.</summary>
/// <param name="Image">Name of the image input.</param>
/// <param name="Type">What the image is fed as.</param>
/// <param name="FileType">What it is rounded to before.</param>
/// <param name="Description">Its type and shape in the file, in words.</param>
/// <param name="Declared">Its shape in the file, null where that leaves a dimension free; null where it has none. Shape: [rank].</param>
/// <param name="Constants">The other inputs. Shape: [inputs].</param>
internal sealed record InputState(
    string Image, DataType Type, DataType FileType, string Description, IReadOnlyList<long?>? Declared,
    IReadOnlyList<ConstantInput> Constants);
