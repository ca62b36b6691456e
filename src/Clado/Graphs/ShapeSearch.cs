using Clado.Onnx;
using static System.FormattableString;

namespace Clado.Graphs;

/// <summary>
/// The shapes that an image input may have, the likeliest first: what the file fixes, what the user says, and what is looked for.
/// </summary>
internal sealed class ShapeSearch
{
    // Where no convolution reads the image: colour, grey, colour with transparency.
    private static readonly long[] UsualChannels = [3, 1, 4];

    private readonly ModelProto model;
    private readonly GraphInputs inputs;
    private readonly InputOptions options;
    private readonly string file;
    private readonly InputChannels? found;
    private readonly int channelAxis;
    private readonly int[] sides;

    // What the file and the user say. Shape: [rank].
    private readonly long?[] known;

    /// <summary>Brings together what is known.</summary>
    /// <param name="model">The model, nodes in topological order.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="options">What is said of them.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">The user says other than the file, or the rank is not known.</exception>
    public ShapeSearch(ModelProto model, GraphInputs inputs, InputOptions options, string file)
    {
        (this.model, this.inputs, this.options, this.file) = (model, inputs, options, file);
        found = InputChannels.Find(model, inputs.Image);
        known = Known();
        channelAxis = ChannelAxis();
        sides = [.. Enumerable.Range(1, known.Length - 1).Where(axis => axis != channelAxis)];
        CheckSize();
    }

    /// <summary>Whether neither the file nor the user fixes the batch.</summary>
    public bool HasFreeBatch => known[0] is null;

    /// <summary>Whether the file leaves nothing but the batch free.</summary>
    public bool IsSettled => inputs.Declared is { } declared && declared.Skip(1).All(dim => dim is not null);

    /// <summary>The shapes, each with what it assumes.</summary>
    public IEnumerable<ShapeCandidate> Candidates()
    {
        var tried = new HashSet<string>();
        foreach (var (size, isGuess) in Sizes())
        {
            if (!isGuess && !Fits(size))
            {
                continue;
            }
            foreach (long channels in known.ElementAtOrDefault(channelAxis) is { } own ? [own] : IsRead ? [found!.Count] : UsualChannels)
            {
                var dims = Filled(size, channels);
                if (tried.Add(ShapeText.Of(dims)))
                {
                    yield return new ShapeCandidate(dims, Note(size, channels), isGuess);
                }
            }
        }
    }

    /// <summary>What gives a shape again; null where the file leaves nothing but the batch free.</summary>
    /// <param name="dims">For one image. Shape: [rank].</param>
    public string? Setting(IReadOnlyList<long> dims)
    {
        bool isOpen = inputs.Declared is not { } declared || declared.Skip(1).Any(dim => dim is null) || declared[0] != known[0];
        return isOpen ? InputText.Of([known[0], .. dims.Skip(1).Select(dim => (long?)dim)]) : null;
    }

    /// <summary>Height and width in a shape; null where they cannot be told.</summary>
    /// <param name="dims">Shape: [rank].</param>
    public (int Height, int Width)? SizeOf(IReadOnlyList<long> dims) =>
        sides is [var height, var width] ? ((int)dims[height], (int)dims[width]) : null;

    /// <summary>What is said where the network runs at none of them.</summary>
    /// <param name="first">What the runtime says of the first.</param>
    /// <param name="shapes">The shapes that were tried. Shape: [shapes].</param>
    public OnnxFormatException Refusal(OnnxFormatException first, IReadOnlyList<IReadOnlyList<long>> shapes)
    {
        bool isGiven = options.Size is not null || options.Shape is not null;
        var tried = shapes.Count == 1 ? "" : Invariant($" (nor at {shapes.Count - 1} other shapes)");
        var advice = isGiven ? "give another" : "give the right one";
        var problem = $"is {inputs.Description}, and the network does not run at {ShapeText.Of(shapes[0])}{tried}; "
            + $"{advice} with {Settings.InputSize} or {Settings.InputShape}. The runtime says: {first.Message}";
        return new OnnxFormatException(file, problem, tensor: inputs.Image, inner: first);
    }

    private long?[] Known()
    {
        if (inputs.Declared is not { } declared)
        {
            return options.Shape?.ToArray() ?? (found is null
                ? throw Fault($"has no shape, and no convolution says which; give it with {Settings.InputShape}, such as N,3,224,224")
                : new long?[found.Rank]);
        }
        if (options.Shape is not { } given)
        {
            return [.. declared];
        }
        if (given.Count != declared.Count || declared.Zip(given).Any(dim => dim is ({ } own, { } asked) && own != asked))
        {
            throw Fault($"is {inputs.Description}; {Settings.InputShape} {InputText.Of(given)} does not fit it");
        }
        return given[0] is null or 1
            ? [.. declared.Zip(given, (own, asked) => own ?? asked)]
            : throw Fault($"{Settings.InputShape} {InputText.Of(given)}: the batch comes first, N where it is free, "
                + "or 1 for one image at a time");
    }

    private void CheckSize()
    {
        if (options.Size is not { } size)
        {
            return;
        }
        if (sides.Length != 2 || known.Length != 4)
        {
            throw Fault($"is {inputs.Description}, where height and width cannot be told; give {Settings.InputShape} in place of "
                + Settings.InputSize);
        }
        if (!Fits(new(size.Height, size.Width, "")))
        {
            throw Fault($"is {inputs.Description}; {Settings.InputSize} {InputText.Of(size)} does not fit it");
        }
    }

    /// <summary>Where channels lie: where a convolution reads them, else at the dimension that is 1 or 3, else behind the batch.</summary>
    private int ChannelAxis() =>
        IsRead ? found!.Axis
        : known is [_, not (1 or 3), _, 1 or 3] ? 3
        : Math.Min(1, known.Length - 1);

    private bool IsRead => found is not null && found.Rank == known.Length;

    private IEnumerable<(LikelySize Size, bool IsGuess)> Sizes()
    {
        if (options.Size is { } given)
        {
            return [(new(given.Height, given.Width, ""), false)];
        }
        if (!options.LooksForSize || sides.All(axis => known[axis] is not null))
        {
            return [(InputSizes.Usual, true)];
        }
        var guesses = InputSizes.Guesses().Select((size, i) => (i == 0
            ? InputSizes.Usual
            : new LikelySize(size.Height, size.Width, "the first usual size at which the network runs"), true));
        return InputSizes.Said(model, options, file).Select(size => (size, false)).Concat(guesses);
    }

    private bool Fits(LikelySize size) =>
        sides.Length == 2 && (known[sides[0]] ?? size.Height) == size.Height
        && (known[sides[1]] ?? size.Width) == size.Width;

    private long[] Filled(LikelySize size, long channels) =>
    [
        .. known.Select((dim, axis) =>
            dim ?? (axis == 0 ? 1 : axis == channelAxis ? channels : axis == sides[0] ? size.Height : size.Width)),
    ];

    private string? Note(LikelySize size, long channels)
    {
        var assumed = new List<string>();
        if (options.Size is null && sides.Where(axis => known[axis] is null).ToArray() is { Length: > 0 } open)
        {
            var dims = Filled(size, channels);
            string what = open.Length == 2 ? Invariant($"{dims[sides[0]]}×{dims[sides[1]]}")
                : Invariant($"a {(open[0] == sides[0] && sides.Length > 1 ? "height" : "width")} of {dims[open[0]]}");
            assumed.Add($"{what} is assumed, {size.Source}; {Settings.InputSize} gives another");
        }
        if (known.ElementAtOrDefault(channelAxis) is null && channelAxis > 0)
        {
            assumed.Add(IsRead
                ? Invariant($"{channels} channels, as '{found!.Node}' reads")
                : Invariant($"{channels} channels are assumed; {Settings.InputShape} gives others"));
        }
        return assumed.Count == 0 ? null : $"the image input '{inputs.Image}' is {inputs.Description}: {string.Join("; ", assumed)}";
    }

    private OnnxFormatException Fault(string problem) => new(file, problem, tensor: inputs.Image);
}
