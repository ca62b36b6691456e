using System.Collections.ObjectModel;
using System.Globalization;
using Clado.Onnx;

namespace Clado.Graphs;

/// <summary>
/// Which input of a model takes the image, and what the others get. Those are constants: the size of the image, scale factors, thresholds.
/// </summary>
public sealed record InputOptions
{
    /// <summary>Name of the image input; null to take the only one of an image's shape.</summary>
    public string? Image { get; init; }

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
    /// <exception cref="CladoException">A setting is none, or an input has two.</exception>
    public static InputOptions Parse(string? image, IEnumerable<string> settings)
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
        return new InputOptions { Image = image, Values = values };
    }

    /// <summary>What of this is meant for a network, where others are meant as well.</summary>
    /// <param name="names">Names of the network's inputs.</param>
    internal InputOptions Among(IReadOnlySet<string> names) => new()
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
