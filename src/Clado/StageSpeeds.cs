using System.Diagnostics;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado;

/// <summary>What a job's time is spent on, in seconds on this machine, before the job has shown it itself.</summary>
/// <param name="Decoding">Decoding all images of the run.</param>
/// <param name="Pass">A pass of the float network over them.</param>
/// <param name="Session">Making a session of it.</param>
internal sealed record StageSpeeds(double Decoding, double Pass, double Session)
{
    // Long enough for the machine's clock and for what differs from image to image, too short to be waited for.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>Tries some of the images. The first go, which compiles code, does not count where there are more.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="work">The images of the run.</param>
    /// <exception cref="CladoException">An image cannot be used, or the network does not run.</exception>
    public static StageSpeeds Measure(Graph graph, Workload work)
    {
        var clock = Stopwatch.StartNew();
        using var network = new ModelRunner(graph, Readout.Of(graph), OutputSource.Float(graph.File), provider: work.Provider);
        double session = clock.Elapsed.TotalSeconds;
        var batches = work.Batches(graph, BatchSize.Of(graph, work.Provider));
        var (images, decoding, running) = (0, TimeSpan.Zero, TimeSpan.Zero);
        for (int start = 0; start < batches.Count && (images == 0 || clock.Elapsed < Longest); start += work.Threads)
        {
            var loaded = new ImageBatch[Math.Min(work.Threads, batches.Count - start)];
            var begin = clock.Elapsed;
            work.SideBySide.For(loaded.Length, i => loaded[i] = batches.Load(start + i));
            var middle = clock.Elapsed;
            work.SideBySide.For(loaded.Length, i => network.Run(loaded[i]));
            if (start == 0 && batches.Count > work.Threads)
            {
                continue;
            }
            (decoding, running) = (decoding + middle - begin, running + clock.Elapsed - middle);
            images += loaded.Sum(batch => batch.Count);
        }
        double all = (double)work.Images.Items.Count / images;
        return new(decoding.TotalSeconds * all, running.TotalSeconds * all, session);
    }
}
