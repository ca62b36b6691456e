using Orleans.Concurrency;

namespace Clado.Cluster.Contract;

/// <summary>
/// A machine that does units, by the address of its silo. All calls are short, but for <see cref="Collect"/>, which waits for news: whoever
/// does not answer hangs, or is gone.
/// </summary>
[Alias("clado.worker")]
internal interface IWorkerGrain : IGrainWithStringKey
{
    /// <summary>What the machine is. Every version of Clado answers this.</summary>
    [Alias("describe")]
    [AlwaysInterleave]
    Task<WorkerState> Describe();

    /// <summary>How many bytes of files it has.</summary>
    /// <param name="hashes">Names of the files. Shape: [files].</param>
    /// <returns>Shape: [files].</returns>
    [Alias("held")]
    [AlwaysInterleave]
    Task<long[]> Held(string[] hashes);

    /// <summary>Brings a part of a file, which begins where what is there ends.</summary>
    /// <param name="part">The part.</param>
    /// <returns>Bytes that are there now: less than sent where parts were lost, 0 where the whole did not fit its hash.</returns>
    [Alias("put")]
    [AlwaysInterleave]
    Task<long> Put(FilePart part);

    /// <summary>Gives units to do; those that it has already are no others.</summary>
    /// <param name="assignment">The units; their files are there.</param>
    [Alias("assign")]
    [AlwaysInterleave]
    Task Assign(Assignment assignment);

    /// <summary>What units came to, as soon as there is something, or when the time is up.</summary>
    /// <param name="session">Whose units.</param>
    /// <param name="received">Keys of units whose outcome has arrived, and is forgotten here. Shape: [units].</param>
    /// <param name="wait">The time.</param>
    /// <returns>Shape: [outcomes].</returns>
    [Alias("collect")]
    [AlwaysInterleave]
    Task<Outcome[]> Collect(string session, string[] received, TimeSpan wait);

    /// <summary>The rest of what a unit came to, where that is long.</summary>
    /// <param name="session">Whose unit.</param>
    /// <param name="key">Its name.</param>
    /// <param name="offset">Where the rest begins.</param>
    /// <returns>Shape: [bytes].</returns>
    [Alias("read")]
    [AlwaysInterleave]
    Task<byte[]> Read(string session, string key, long offset);

    /// <summary>Forgets all units of a session.</summary>
    /// <param name="session">The session.</param>
    [Alias("drop")]
    [AlwaysInterleave]
    Task Drop(string session);
}
