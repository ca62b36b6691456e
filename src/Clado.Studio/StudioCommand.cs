using Clado.Allocation;
using static System.FormattableString;

namespace Clado.Studio;

/// <summary>What was asked for, as limits of an allocation, and as a command that writes the same file.</summary>
internal static class StudioCommand
{
    /// <summary>The limits.</summary>
    /// <param name="run">The run.</param>
    /// <param name="request">What is asked for.</param>
    public static AllocationLimits Limits(MeasuredRun run, ChoiceRequest request) => new()
    {
        BitOperations = request.BitOperations,
        Pins = [.. Pins(run, request)],
    };

    /// <summary>The command. Where the choice is not proven, another search might find another: it names every layer.</summary>
    /// <param name="run">The run.</param>
    /// <param name="writing">Options that the run was opened with.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="result">What was chosen.</param>
    public static string Of(MeasuredRun run, string writing, ChoiceRequest request, AllocationResult result)
    {
        bool isProven = result.Status == AllocationStatus.Optimal;
        var pins = isProven ? Pins(run, request) : result.Chosen.Select(c => Pin(c.Layer.Name, (c.RowBits ?? [c.Bits]).Distinct().Order()));
        return string.Join(' ',
        [
            $"clado export --run {ShellWord.Quoted(run.RunPath)}{writing}", "--budget", ShellWord.Quoted(request.Budget),
            .. request.BitOperations is { } operations ? (string[])["--max-bitops", Invariant($"{operations}")] : [],
            .. pins.SelectMany(pin => (string[])["--pin", ShellWord.Quoted(pin)]),
            "--predicted",
        ]);
    }

    /// <summary>
    /// Widths that are allowed to all, then layers by themselves: those that would have none of them, and those that are pinned.
    /// </summary>
    private static IEnumerable<string> Pins(MeasuredRun run, ChoiceRequest request)
    {
        int[] widths = [.. run.Candidates.Select(c => c.Bits).Distinct().Order()], left = [.. widths.Except(request.Forbidden)];
        var byLayer = run.Candidates.Where(c => c.IsWhole).ToLookup(c => c.Layer.Name, c => c.Bits);
        if (left.Length > 0 && left.Length < widths.Length)
        {
            yield return Pin("*", left);
            // A layer that was measured at forbidden widths alone keeps them.
            foreach (var layer in run.Layers.Where(layer => !byLayer[layer.Name].Intersect(left).Any()))
            {
                yield return Pin(layer.Name, byLayer[layer.Name]);
            }
        }
        foreach (var (layer, bits) in request.Pins.Where(pin => pin.Key >= 0 && pin.Key < run.Layers.Count).OrderBy(pin => pin.Key))
        {
            yield return Pin(run.Layers[layer].Name, [bits]);
        }
    }

    private static string Pin(string name, IEnumerable<int> widths) => $"{name}={string.Join(',', widths)}";
}
