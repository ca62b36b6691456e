using Clado.Graphs;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>The tensor a network takes for one image.</summary>
/// <param name="Channels">Channels: 1, 3, or 4 with alpha last.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Layout">Where the channels lie.</param>
internal sealed record ImageShape(int Channels, int Height, int Width, ChannelLayout Layout)
{
    public int ElementCount => Channels * Height * Width;

    /// <summary>The tensor that a network takes, checked against what is to become of pixels.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="preprocessing">How images become inputs.</param>
    /// <exception cref="CladoException">The input is no image, or has another number of channels than the preprocessing.</exception>
    public static ImageShape Of(Graph graph, Preprocessing preprocessing)
    {
        var shape = Of(graph.Tensors[graph.Input].Shape, preprocessing.Layout, graph.File);
        preprocessing = preprocessing.For(graph.Inputs.TakesBytes);
        foreach (var (name, count) in ((string, int)[])[("mean", preprocessing.Mean.Count), ("std", preprocessing.Std.Count)])
        {
            if (count != 1 && count != shape.Channels)
            {
                throw new CladoException(
                    $"{Path.GetFileName(graph.File)}: the model takes {shape.Channels} channel{(shape.Channels == 1 ? "" : "s")}, "
                    + $"the preprocessing has {count} values of {name}; "
                    + $"give with {Settings.Preprocessing} a preset such as unit, or a JSON file with one value or one a channel");
            }
        }
        return shape;
    }

    /// <summary>Reads the shape of a network's input.</summary>
    /// <param name="dims">Shape: [4].</param>
    /// <param name="layout">Where the channels lie, or null to tell from the shape.</param>
    /// <param name="model">Path that errors name.</param>
    public static ImageShape Of(IReadOnlyList<long> dims, ChannelLayout? layout, string model)
    {
        if (dims.Count == 4 && dims.All(d => d is > 0 and <= 1 << 16))
        {
            // Four channels are less usual than a side of 4 pixels is beside one or three of them.
            bool isChannelsFirst = dims[1] is 1 or 3 || (dims[1] == 4 && dims[3] is not (1 or 3));
            var found = layout ?? (isChannelsFirst ? ChannelLayout.Nchw : ChannelLayout.Nhwc);
            var shape = found == ChannelLayout.Nchw
                ? new ImageShape((int)dims[1], (int)dims[2], (int)dims[3], found)
                : new ImageShape((int)dims[3], (int)dims[1], (int)dims[2], found);
            if (shape.Channels is 1 or 3 or 4)
            {
                return shape;
            }
        }
        throw new CladoException(
            $"{Path.GetFileName(model)}: the input has shape [{string.Join(", ", dims.Select(d => Invariant($"{d}")))}]; "
            + "images of 1, 3 or 4 channels are understood, [batch, channels, height, width] or [batch, height, width, channels]");
    }
}
