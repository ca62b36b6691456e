using System.Collections.ObjectModel;
using System.Globalization;
using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Which input of a model takes the image and at which size, where its file leaves that free, and what the others get. Those are
/// constants: the size of the image, scale factors, thresholds.
/// </summary>
public sealed record InputOptions
{
    /// <summary>Name of the image input; null to take the only one of an image's shape.</summary>
    public string? Image { get; init; }

    /// <summary>
    /// Height and width of the image, in pixels, where the file leaves them free; null to look for them: in the preprocessing, in what
    /// the model's file says of itself, at which usual size the network runs. Range: [1, 16384].
    /// </summary>
    public (int Height, int Width)? Size
    {
        get;
        init => field = value is not { } size || (InputText.IsSide(size.Height) && InputText.IsSide(size.Width))
            ? value
            : throw new CladoException(
                $"{Clado.Settings.InputSize} {InputText.Of(size)}: sides of 1 to {InputText.LargestSide} are wanted");
    }

    /// <summary>
    /// The whole shape of the image's input, where the file leaves dimensions free: a null at the batch is a free one, elsewhere it is
    /// looked for. Null to go by the file and <see cref="Size"/>. Shape: [rank].
    /// </summary>
    public IReadOnlyList<long?>? Shape
    {
        get;
        init => field = value is null || (value.Count > 0 && value.All(dim => dim is null or > 0))
            ? value?.ToArray()
            : throw new CladoException($"{Clado.Settings.InputShape} {InputText.Of(value)}: dimensions of at least 1 are wanted");
    }

    /// <summary>A size that is likely, and who says so: tried before what the model's file says; null where nobody does.</summary>
    internal LikelySize? Likely { get; init; }

    /// <summary>
    /// Whether the size is looked for where none is given. Versions before that did not took the usual one, and their runs are read so.
    /// </summary>
    internal bool LooksForSize { get; init; } = true;

    /// <summary>
    /// Values of other inputs, by name: one for all elements, or one for each. 0 and 1 stand for false and true. What is given is copied.
    /// Shape: [inputs][values].
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Values
    {
        get;
        init => field = value.ToDictionary(input => input.Key, input => (IReadOnlyList<double>)[.. input.Value]).AsReadOnly();
    } = ReadOnlyDictionary<string, IReadOnlyList<double>>.Empty;

    /// <summary>Reads options as the command line takes them.</summary>
    /// <param name="image">Name of the image input, or null.</param>
    /// <param name="settings">NAME=VALUE or NAME=VALUE,VALUE,… each. Shape: [inputs].</param>
    /// <param name="size">Height and width such as 480x640, or one number for both; null where none is given.</param>
    /// <param name="shape">The whole shape such as N,3,480,640, names for what is free; null where none is given.</param>
    /// <exception cref="CladoException">A setting, the size or the shape is none, or an input has two settings.</exception>
    public static InputOptions Parse(string? image, IEnumerable<string> settings, string? size = null, string? shape = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var values = new Dictionary<string, IReadOnlyList<double>>();
        foreach (var setting in settings)
        {
            int equals = setting.LastIndexOf('=');
            if (equals <= 0)
            {
                throw new CladoException($"{Clado.Settings.Values} {setting}: NAME=VALUE or NAME=VALUE,VALUE,… is wanted");
            }
            if (!values.TryAdd(setting[..equals], [.. setting[(equals + 1)..].Split(',').Select(text => Number(text.Trim(), setting))]))
            {
                throw new CladoException($"{Clado.Settings.Values} {setting}: '{setting[..equals]}' is set twice");
            }
        }
        if (size is not null && shape is not null)
        {
            throw new CladoException($"{Clado.Settings.InputSize}: {Clado.Settings.InputShape} gives the size too; leave one of them out");
        }
        return new InputOptions
        {
            Image = image,
            Values = values,
            Size = size is null ? null : InputText.Size(size),
            Shape = shape is null ? null : InputText.Shape(shape),
        };
    }

    /// <summary>What of this is meant for a network, where others are meant as well.</summary>
    /// <param name="names">Names of the network's inputs.</param>
    internal InputOptions Among(IReadOnlySet<string> names) => this with
    {
        Image = Image is not null && names.Contains(Image) ? Image : null,
        Values = Values.Where(v => names.Contains(v.Key)).ToDictionary(),
    };

    /// <summary>The options of each of several networks; what none of them has is left for the first to refuse.</summary>
    /// <param name="models">The networks as their files have them.</param>
    internal InputOptions[] Of(IReadOnlyList<ModelProto> models)
    {
        var names = models.Select(m => m.Graph.Input.Select(i => i.Name).ToHashSet()).ToArray();
        var all = names.SelectMany(n => n).ToHashSet();
        bool hasUnknown = Values.Keys.Append(Image).Any(n => n is not null && !all.Contains(n));
        return [.. names.Select((own, i) => i == 0 && hasUnknown ? this : Among(own))];
    }

    /// <summary>The values in the order of their names, as <see cref="Parse"/> reads them. Shape: [inputs].</summary>
    internal string[] Settings() =>
        [.. Values.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key}={string.Join(',', v.Value.Select(Text))}")];

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static double Number(string text, string setting) =>
        bool.TryParse(text, out bool truth) ? (truth ? 1 : 0)
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number
        : throw new CladoException($"{Clado.Settings.Values} {setting}: '{text}' is no number, nor true or false");
}
