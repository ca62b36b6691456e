using Clado.Cluster.Contract;
using Orleans.Concurrency;
using Orleans.GrainDirectory;

namespace Clado.Cluster.Serving;

/// <summary>This machine, as others see it.</summary>
/// <param name="machine">The machine.</param>
[OwnSilo]
[GrainDirectory(OwnSiloDirectory.Name)]
[Reentrant]
[GrainType("clado-worker")]
internal sealed class WorkerGrain(WorkerMachine machine) : Grain, IWorkerGrain
{
    public Task<WorkerState> Describe() => Task.FromResult(machine.State);

    public Task<long[]> Held(string[] hashes) => Task.FromResult(Array.ConvertAll(hashes, machine.Files.Held));

    // Disks may take their time: calls that tell of life must not wait for them.
    public Task<long> Put(FilePart part) =>
        Task.Run(() => machine.Files.Put(part.Hash, part.Length, part.Offset, part.Bytes, machine.Queue.Files));

    public Task Assign(Assignment assignment)
    {
        machine.Queue.Add(assignment);
        return Task.CompletedTask;
    }

    public Task<Outcome[]> Collect(string session, string[] received, TimeSpan wait) => machine.Queue.Collect(session, received, wait);

    public Task<byte[]> Read(string session, string key, long offset) => Task.FromResult(machine.Queue.Read(session, key, offset));

    public Task Drop(string session)
    {
        machine.Queue.Drop(session);
        return Task.CompletedTask;
    }
}
