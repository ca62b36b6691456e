using System.CommandLine;
using Clado.Activations;
using Clado.Allocation;
using Clado.Cli.Output;
using Clado.Evaluation;
using static System.FormattableString;

namespace Clado.Cli.Commands;

/// <summary>What was written for an allocation, and what it loses.</summary>
/// <param name="Result">The allocation.</param>
/// <param name="Activations">What was written of activations; null where they stayed floats.</param>
/// <param name="File">The written file.</param>
/// <param name="Evaluation">The written file on the images of the run; null where nothing asked for it.</param>
internal sealed record WrittenModel(AllocationResult Result, QuantizedActivations? Activations, ExportedModel File, EvaluationResult? Evaluation);

/// <summary><c>--refine</c>: a second rounding once the widths are known, kept where it loses less.</summary>
internal static class Refinement
{
    public static Option<bool> Option() => new("--refine")
    {
        Description = "When the widths are known, round every layer again on what the layers before it leave it; kept where the measured loss falls",
    };

    /// <summary>Writes an allocation; where that loses less, as refined.</summary>
    /// <param name="terminal">Told of progress and of what was kept.</param>
    /// <param name="pipeline">The run.</param>
    /// <param name="result">The allocation.</param>
    /// <param name="path">Destination.</param>
    /// <param name="refine">Whether to round again.</param>
    /// <param name="evaluate">Whether the file is evaluated also where nothing is to be compared.</param>
    /// <param name="cancellation">Stops; what lies at the destination is then as it was.</param>
    public static WrittenModel Write(
        Terminal terminal, Pipeline pipeline, AllocationResult result, string path, bool refine, bool evaluate, CancellationToken cancellation)
    {
        // A file gets its name when nothing can refuse it any more; of two, one at a time lies beside it.
        SoundModel first;
        using (first = Stage(terminal, pipeline, result, path, refine || evaluate, cancellation))
        {
            if (!refine)
            {
                return first.Commit();
            }
        }
        using (var refined = Stage(terminal, pipeline, pipeline.Refine(result, first.Activations, terminal, cancellation), path, evaluate: true, cancellation))
        {
            double before = first.Evaluation!.LossIncrease!.Value, after = refined.Evaluation!.LossIncrease!.Value;
            terminal.Message(Invariant($"refining: loss increase {before:0.0000} before, {after:0.0000} after; {(after < before ? "kept" : "taken back")}"));
            if (after < before)
            {
                return refined.Commit();
            }
        }
        using var again = pipeline.Stage(first.Result.Chosen, path, first.Activations, terminal, cancellation);
        return (first with { File = again }).Commit();
    }

    private static SoundModel Stage(Terminal terminal, Pipeline pipeline, AllocationResult result, string path, bool evaluate, CancellationToken cancellation)
    {
        var activations = pipeline.MeasureRanges(result.Chosen, terminal, cancellation);
        var file = pipeline.Stage(result.Chosen, path, activations, terminal, cancellation);
        try
        {
            return new SoundModel(result, activations, file, evaluate ? pipeline.Evaluate(file, terminal, cancellation) : null);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What was looked at and has no name yet.</summary>
    private sealed record SoundModel(AllocationResult Result, QuantizedActivations? Activations, StagedExport File, EvaluationResult? Evaluation) : IDisposable
    {
        public WrittenModel Commit()
        {
            var written = File.Commit();
            return new WrittenModel(Result with { SizeBytes = written.SizeBytes }, Activations, written, Evaluation);
        }

        public void Dispose() => File.Dispose();
    }
}
