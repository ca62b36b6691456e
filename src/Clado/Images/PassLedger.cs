using System.Text.Json;

namespace Clado.Images;

/// <summary>
/// What a measurement takes, unit by unit: passes of the whole network over single images, parts of it by their multiplications. A unit
/// counts once, whoever needs it, and whether it is run now or was run before. Safe to use from several threads.
/// </summary>
internal sealed class PassLedger
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, double> units = [];

    /// <summary>Passes of a whole network over one image each. Range: [0, inf).</summary>
    public double ImagePasses
    {
        get
        {
            lock (gate)
            {
                // In an order that does not depend on threads.
                return units.OrderBy(unit => unit.Key, StringComparer.Ordinal).Sum(unit => unit.Value);
            }
        }
    }

    /// <summary>Notes a unit.</summary>
    /// <param name="unit">Its name.</param>
    /// <param name="imagePasses">Passes over one image each. Range: [0, inf).</param>
    public void Add(string unit, double imagePasses)
    {
        lock (gate)
        {
            units.TryAdd(unit, imagePasses);
        }
    }

    /// <summary>Notes networks that run side by side, as far as they are new, and the float one beside each group of them.</summary>
    /// <param name="names">Their names.</param>
    /// <param name="images">Images they run on.</param>
    /// <param name="together">Networks a group. Range: [1, inf).</param>
    public void AddNetworks(IEnumerable<string> names, int images, int together)
    {
        lock (gate)
        {
            foreach (string[] group in names.Distinct().Where(name => !units.ContainsKey(name)).Chunk(together))
            {
                Array.ForEach(group, name => units.Add(name, images));
                units.Add($"beside {group[0]}", images);
            }
        }
    }

    /// <summary>Notes what another has.</summary>
    public void Add(PassLedger other)
    {
        foreach (var (unit, passes) in other.Snapshot())
        {
            Add(unit, passes);
        }
    }

    /// <summary>All of it, as records keep it.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(Snapshot());

    /// <summary>A ledger that was kept.</summary>
    public static PassLedger Of(byte[] bytes)
    {
        var ledger = new PassLedger();
        foreach (var (unit, passes) in JsonSerializer.Deserialize<Dictionary<string, double>>(bytes)!)
        {
            ledger.Add(unit, passes);
        }
        return ledger;
    }

    private SortedDictionary<string, double> Snapshot()
    {
        lock (gate)
        {
            return new(units, StringComparer.Ordinal);
        }
    }
}
