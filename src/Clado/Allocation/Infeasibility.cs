using Clado.Layers;
using static System.FormattableString;

namespace Clado.Allocation;

/// <summary>The one line for limits that cannot be kept: which, and what can.</summary>
internal static class Infeasibility
{
    private const int MostNamed = 3;

    /// <summary>Says why there is no choice.</summary>
    /// <param name="result">An allocation that chose nothing.</param>
    public static string Of(AllocationResult result)
    {
        var asked = $"{Settings.Budget} {result.Budget.Asked}";
        if (result.Unreachable is not { } limit)
        {
            return $"{asked}: no choice " + (result.Status == AllocationStatus.Unknown
                ? "that keeps all limits was found in time, and there may be none; loosen one of them"
                : "of these widths keeps all limits; loosen one of them");
        }
        return limit.Kind == LimitKind.FileBytes
            ? $"{asked}: no choice of these widths is that small; "
                + Invariant($"the smallest file is {result.SmallestBytes:N0} bytes ")
                + Invariant($"({RoundedUp(result.SmallestBitsPerWeight):0.00} bits a weight{LargestKept(result.Kept)}). ")
                + $"Raise the budget, or allow narrower widths with {Settings.Bits}"
            : Of(limit);
    }

    private static string Of(UnreachableLimit limit)
    {
        string unit = limit.Kind == LimitKind.BitsPerWeight ? "bit" : "";
        var value = limit.Kind == LimitKind.BitsPerWeight ? Invariant($"{limit.Value}") : Invariant($"{limit.Value:0}");
        var beside = limit.Beside.Count == 0 ? "" : $" beside {string.Join(" and ", limit.Beside.Select(Name))}";
        var least = limit.Smallest is not { } smallest ? "the least it could be is not known"
            : limit.Kind == LimitKind.BitsPerWeight ? Invariant($"the least is {RoundedUp(smallest):0.00} bits a weight")
            : Invariant($"the least they reach is {smallest:N0}");
        return $"{Name(limit.Kind)} {value}{unit}: no choice of these widths keeps it{beside}; {least}. "
            + $"Raise it{(limit.Beside.Count == 0 ? "" : ", or the other limits")}, or allow narrower widths with {Settings.Bits}";
    }

    /// <summary>The largest constants that stay float, for who wonders where the bytes are.</summary>
    private static string LargestKept(IReadOnlyList<KeptOperation> kept)
    {
        string[] largest = [.. kept.Where(k => k.Bytes > 0).OrderByDescending(k => k.Bytes).Take(MostNamed)
            .Select(k => Invariant($"'{k.Constant}' of {k.Op} '{k.Name}' ({k.Bytes:N0} bytes)"))];
        return largest.Length == 0 ? "" : Invariant($"; {kept.Sum(k => k.Bytes):N0} bytes of it are constants that stay float, ")
            + $"the largest {string.Join(", ", largest)}";
    }

    /// <summary>A limit that can be kept when it is given back.</summary>
    private static double RoundedUp(double bits) => Math.Ceiling(bits * 100) / 100;

    private static string Name(LimitKind kind) => kind switch
    {
        LimitKind.BitOperations => Settings.BitOperations,
        LimitKind.Cost => Settings.MaximumCost,
        _ => Settings.Budget,
    };
}
