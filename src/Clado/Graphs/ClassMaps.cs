namespace Clado.Graphs;

/// <summary>An output with scores of classes at every place.</summary>
/// <param name="Tensor">Name of the tensor that is read.</param>
/// <param name="Classes">Where the classes of a place lie in it.</param>
internal sealed record ClassMap(string Tensor, ClassLayout Classes);

/// <summary>Finds the axis of classes in outputs that have many places.</summary>
internal static class ClassMaps
{
    // Colours are no classes.
    private const int Colours = 3;

    /// <summary>The outputs as maps of classes; null where one of them can be none. Shape: [ends].</summary>
    /// <param name="answers">The network's answers.</param>
    /// <param name="isGiven">Whether it is said that they are: then colours and sizes do not matter.</param>
    public static IReadOnlyList<ClassMap>? Of(Answers answers, bool isGiven = false)
    {
        ClassMap?[] maps = [.. answers.Ends.Select(end => Of(answers, end, isGiven))];
        bool isOneKind = maps.All(map => map is not null && map.Classes.IsExclusive == maps[0]!.Classes.IsExclusive);
        return isOneKind ? [.. maps.Select(map => map!)] : null;
    }

    private static ClassMap? Of(Answers answers, OutputEnd end, bool isGiven)
    {
        var graph = answers.Graph;
        var info = answers.Info(end);
        bool isExclusive = end.Kind != EndKind.Sigmoid;
        if ((end.Axis ?? ChannelAxis(graph, info, isGiven)) is not { } axis)
        {
            return null;
        }
        bool isInFront = axis == 1 || axis == 1 - info.Shape.Count;
        var tensor = isInFront ? ShapeOnly.BeforeResize(graph, end.Tensor) : end.Tensor;
        var layout = ClassLayout.Along(graph.Tensors[tensor], axis, isExclusive);
        bool hasPlaces = layout is not null && graph.Tensors[tensor].ElementCount > layout.Count;
        bool mayBeClasses = layout is { Count: > 1 } || (!isExclusive && layout is { Count: 1 });
        bool isColour = end.Axis is null && layout?.Count == Colours && !isGiven;
        return hasPlaces && mayBeClasses && !isColour ? new ClassMap(tensor, layout!) : null;
    }

    /// <summary>The axis that is none of a map's rows and columns; null where sides like the image's are not found.</summary>
    private static long? ChannelAxis(Graph graph, TensorInfo info, bool isGiven)
    {
        if (info.Shape.Count != 4 || graph.InputShape.Size is not var (height, width))
        {
            return null;
        }
        // As large as the image, or a whole part of it; pixels in between are enlarged.
        bool IsMap(int rows) => info.Shape[rows] > 1 && info.Shape[rows + 1] > 1
            && info.Shape[rows] * width == info.Shape[rows + 1] * height && (isGiven || info.Shape[rows] == height);
        return IsMap(2) ? 1 : IsMap(1) ? 3 : isGiven ? 1 : null;
    }
}
