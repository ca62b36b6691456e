using System.Globalization;
using System.IO.Enumeration;

namespace Clado.Layers;

/// <summary>Applies <c>NAME=BITS|BITS,BITS|float</c> pins to layers.</summary>
internal static class Pins
{
    /// <summary>Says which layers are searched and at which widths.</summary>
    /// <param name="found">All layers of the network.</param>
    /// <param name="bits">Widths of layers without a pin, ascending. Shape: [widths].</param>
    /// <param name="pins">Pins; later ones win. Shape: [pins].</param>
    /// <returns>The layers to search, and the widths of each. Shape: [layers][widths].</returns>
    /// <exception cref="CladoException">A pin is malformed or fits no layer, or nothing is left to quantize.</exception>
    public static (LayerSet Layers, IReadOnlyList<IReadOnlyList<int>> Widths) Apply(
        LayerSet found, IReadOnlyList<int> bits, IEnumerable<string> pins)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(pins);
        var widths = found.Layers.ToDictionary(l => l, _ => bits);
        var kept = new Dictionary<QuantizableLayer, KeptOperation>();
        foreach (var pin in pins)
        {
            var (name, allowed) = Parse(pin, Settings.Pins);
            foreach (var layer in Fitting(found, name, pin, Settings.Pins))
            {
                widths[layer] = allowed.Length == 0 ? bits : allowed;
                kept.Remove(layer);
                if (allowed.Length == 0)
                {
                    kept.Add(layer, new KeptOperation(layer.Name, layer.Op, "pinned to float")
                    {
                        Constant = layer.Weight,
                        Bytes = layer.Parameters * sizeof(float),
                    });
                }
            }
        }
        var layers = found.Layers.Where(l => !kept.ContainsKey(l)).ToArray();
        return layers.Length > 0
            ? (new LayerSet(layers, [.. found.Kept, .. kept.Values]), [.. layers.Select(l => widths[l])])
            : throw new CladoException(
                "nothing is left to quantize: the model has no convolution, matrix product, recurrent layer or table with constant "
                + "float weights that is not pinned to float");
    }

    /// <summary>Widths that pins leave to layers that are searched.</summary>
    /// <param name="layers">The layers. Shape: [layers].</param>
    /// <param name="pins">Pins; later ones win. Shape: [pins].</param>
    /// <param name="setting">What errors call them.</param>
    /// <returns>null where a layer is free. Shape: [layers][widths].</returns>
    /// <exception cref="CladoException">A pin is malformed, fits no layer, or says float.</exception>
    public static int[]?[] Left(IReadOnlyList<QuantizableLayer> layers, IEnumerable<string> pins, string setting)
    {
        var left = new int[]?[layers.Count];
        foreach (var pin in pins)
        {
            var (name, allowed) = Parse(pin, setting);
            if (allowed.Length == 0)
            {
                throw new CladoException(
                    $"{setting} {pin}: what stays float is decided when the network is measured; give a width of 2 to 8");
            }
            foreach (var layer in Fitting(new LayerSet(layers, []), name, pin, setting))
            {
                left[layer.Index] = allowed;
            }
        }
        return left;
    }

    /// <summary>The pattern of names, and the widths; none for float.</summary>
    private static (string Name, int[] Widths) Parse(string pin, string setting)
    {
        int sign = pin.LastIndexOf('=');
        var (name, value) = sign > 0 ? (pin[..sign], pin[(sign + 1)..]) : (pin, "");
        if (value == "float")
        {
            return (name, []);
        }
        int[] widths = [.. value.Split(',').Select(Width).Distinct().Order()];
        return widths.All(width => width is >= 2 and <= 8)
            ? (name, widths)
            : throw new CladoException($"{setting} {pin}: NAME=BITS, NAME=BITS,BITS or NAME=float is wanted, BITS from 2 to 8");
    }

    private static int Width(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int width) ? width : 0;

    private static QuantizableLayer[] Fitting(LayerSet found, string name, string pin, string setting)
    {
        QuantizableLayer[] fitting = [.. found.Layers.Where(l => FileSystemName.MatchesSimpleExpression(name, l.Name, ignoreCase: false))];
        if (fitting.Length > 0)
        {
            return fitting;
        }
        var first = found.Layers.Count > 0 ? found.Layers[0].Name : "";
        throw new CladoException(
                    $"{setting} {pin}: no layer is called that; {Settings.Inspect} lists the names (the first is '{first}')");
    }
}
