using Clado.Cluster.Contract;
using Clado.Execution;

namespace Clado.Cluster.Coordination;

/// <summary>
/// What a coordinator has to do with a worker: files and units go there, outcomes come back. Where it does not answer, what it had to do is
/// given to others, and it is asked again until it does.
/// </summary>
/// <param name="cluster">The coordinator.</param>
/// <param name="silo">The worker's silo.</param>
/// <param name="find">Finds the worker; fails while the coordinator does not know yet what silos have.</param>
internal sealed class WorkerLink(WorkerCluster cluster, string silo, Func<IWorkerGrain> find) : IUnitHolder
{
    // A worker that has nothing but failures is given no more.
    public const int MostFailures = 6;

    private const int PartBytes = 1 << 20;

    // The next units are there when these are done.
    private const int UnitsAThread = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Look = TimeSpan.FromSeconds(0.05), Wait = TimeSpan.FromSeconds(1);

    private readonly HashSet<string> files = [];
    private IWorkerGrain grain = null!;
    private UnitBoard? board;
    private List<string> received = [];

    /// <summary>What it is called.</summary>
    public string Name { get; private set; } = silo;

    /// <summary>Units it does side by side.</summary>
    public int Threads { get; private set; } = 1;

    /// <summary>Whether it answers, and may take part.</summary>
    public bool IsUsable { get; private set; }

    /// <summary>Whether it may not take part.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>Asks for units to be done, until it may take no part, or all is over.</summary>
    /// <param name="stop">Ends it.</param>
    public async Task Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !IsRefused)
        {
            try
            {
                await Meet();
                while (IsUsable && !stop.IsCancellationRequested)
                {
                    await Serve();
                }
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                // Whatever it is: the worker is not to be counted on. What is wrong with the task itself was said to its board.
                if (IsUsable)
                {
                    cluster.Say($"worker {Name} does not answer, and what it had to do is given to others: {CladoException.Plain(e)}");
                }
                IsUsable = false;
                board?.Lose(this);
                (board, received) = (null, []);
                files.Clear();
            }
            await Task.Delay(Pause, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Meet()
    {
        grain = find();
        var state = await grain.Describe();
        (Name, Threads) = (state.Name, state.Threads);
        var problem = Problem(state);
        (IsUsable, IsRefused) = (problem is null, problem is not null);
        if (problem is not null)
        {
            cluster.Say($"worker {Name} takes no part: {problem}");
        }
    }

    /// <summary>Why a worker may take no part in what this machine measures; null where it may.</summary>
    /// <param name="state">The worker.</param>
    public static string? Problem(WorkerState state) =>
        state.Version != WorkerOptions.OwnVersion
            ? $"it runs Clado {state.Version}, and this is {WorkerOptions.OwnVersion}: sums may differ in their last bits; update it"
        : state.Processor != ProcessorKind.Own
            ? $"it computes on {state.Processor}, and this machine on {ProcessorKind.Own}: sums may differ in their last bits; measure "
                + "on a machine of the workers' kind"
        : null;

    private async Task Serve()
    {
        if (cluster.Board != board)
        {
            if (board is not null)
            {
                await grain.Drop(board.Session);
            }
            (board, received) = (cluster.Board, []);
        }
        if (board is null)
        {
            await Task.Delay(Look);
            return;
        }
        foreach (var group in board.Take(this, UnitsAThread * Threads).GroupBy(unit => unit.Group))
        {
            await Give(board, group.Key, [.. group]);
        }
        if (!board.IsHeldBy(this))
        {
            await Task.Delay(Look);
            return;
        }
        var outcomes = await grain.Collect(board.Session, [.. received], Wait);
        received = [];
        foreach (var outcome in outcomes)
        {
            await Receive(board, outcome);
            received.Add(outcome.Key);
        }
    }

    private async Task Receive(UnitBoard from, Outcome outcome)
    {
        if (outcome.IsMissing)
        {
            files.Clear();
            from.Return(this, outcome.Key);
        }
        else if (outcome.Problem is { } problem)
        {
            bool isKnown = from.IsSetAside(this);
            from.Fail(this, outcome.Key, problem);
            if (!isKnown && from.IsSetAside(this))
            {
                cluster.Say($"worker {Name} is given nothing more of this: {problem}");
            }
        }
        else
        {
            from.Finish(this, outcome.Key, await Values(from, outcome));
        }
    }

    private async Task<byte[]> Values(UnitBoard from, Outcome outcome)
    {
        if (outcome.Bytes.Length == outcome.Length)
        {
            return outcome.Bytes;
        }
        var values = new byte[outcome.Length];
        outcome.Bytes.CopyTo(values, 0);
        for (int done = outcome.Bytes.Length; done < values.Length;)
        {
            var more = await grain.Read(from.Session, outcome.Key, done);
            if (more.Length == 0)
            {
                throw new EndOfStreamException($"{outcome.Key} ends early");
            }
            more.CopyTo(values, done);
            done += more.Length;
        }
        return values;
    }

    private async Task Give(UnitBoard from, int group, RemoteUnit[] units)
    {
        foreach (var blob in from.Task.Files.Prepend(from.Task.Description))
        {
            await Send(blob.Hash, () => blob);
        }
        var input = from.InputOf(group);
        if (input is null || !files.Contains(input))
        {
            // Made again for every worker that wants it: kept, those of all groups under way would fill the memory.
            var made = Input(from, group);
            from.NoteInput(group, input = made.Hash);
            await Send(input, () => made);
        }
        await grain.Assign(new Assignment
        {
            Session = from.Session,
            Task = from.Task.Description.Hash,
            Files = [.. from.Task.Files.Select(file => file.Hash)],
            Group = group,
            Input = input,
            Keys = [.. units.Select(unit => unit.Key)],
            Rows = [.. units.Select(unit => unit.Row)],
            Received = [.. received],
        });
        received = [];
    }

    private static Blob Input(UnitBoard from, int group)
    {
        try
        {
            return from.Task.Input(group);
        }
        catch (Exception e)
        {
            from.Break(e);
            throw;
        }
    }

    private async Task Send(string hash, Func<Blob> open)
    {
        if (files.Contains(hash))
        {
            return;
        }
        var blob = open();
        long held = (await grain.Held([hash]))[0];
        for (int part = 0; held < blob.Length || part == 0; part++)
        {
            using (await cluster.Sending())
            {
                var bytes = blob.Read(Math.Min(held, blob.Length), PartBytes);
                held = await grain.Put(new FilePart { Hash = hash, Length = blob.Length, Offset = held, Bytes = bytes });
            }
            if (part > 3 * (1 + (blob.Length / PartBytes)))
            {
                throw new IOException($"{Name} does not get {hash}");
            }
        }
        files.Add(hash);
    }
}
