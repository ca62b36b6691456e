using System.Collections.Concurrent;
using Orleans.GrainDirectory;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Clado.Cluster.Contract;

/// <summary>A grain that lives on the silo that its key names, and nowhere else.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class OwnSiloAttribute() : PlacementAttribute(new OwnSilo());

/// <summary>Grains live on the silo that their key names.</summary>
[Serializable]
internal sealed class OwnSilo : PlacementStrategy;

/// <summary>Finds the silo that a key names.</summary>
internal sealed class OwnSiloDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var key = target.GrainIdentity.Key.ToString();
        var silo = Array.Find(context.GetCompatibleSilos(target), own => own.ToParsableString() == key);
        return silo is null ? throw new SiloUnavailableException($"there is no {key}") : Task.FromResult(silo);
    }
}

/// <summary>
/// Where such grains are. Their keys say it, so every silo remembers its own: no silo that dies takes with it where others' grains are.
/// </summary>
internal sealed class OwnSiloDirectory : IGrainDirectory
{
    /// <summary>Name of the directory.</summary>
    public const string Name = "own silo";

    private readonly ConcurrentDictionary<GrainId, GrainAddress> own = new();

    public Task<GrainAddress?> Register(GrainAddress address) => Task.FromResult<GrainAddress?>(own[address.GrainId] = address);

    public Task<GrainAddress?> Register(GrainAddress address, GrainAddress? previousAddress) => Register(address);

    public Task Unregister(GrainAddress address)
    {
        own.TryRemove(new(address.GrainId, address));
        return Task.CompletedTask;
    }

    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult(own.GetValueOrDefault(grainId));

    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}
