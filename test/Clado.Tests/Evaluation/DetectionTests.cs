using Clado.Evaluation.Detection;
using CsCheck;
using Xunit;

namespace Clado.Tests.Evaluation;

/// <summary>Boxes: what overlaps, which belong together, which stay.</summary>
public class DetectionTests
{
    private const double Rounding = 1e-9;

    // Few places: boxes that are equal, touch, or lie in one another are common, and so are overlaps that are equal.
    private static readonly Gen<Box> Boxes =
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 6], Gen.Int[0, 4], Gen.Int[0, 4]).Select((x, y, w, h) => new Box(x, y, x + w, y + h));

    private static readonly Gen<Detection[]> Lists =
        Gen.Select(Boxes, Gen.Int[1, 20], Gen.Int[0, 1]).Select((box, score, own) => new Detection(box, score / 20f, own)).Array[0, 9];

    [Fact]
    public void OverlapIsThatOfCellsCountedOneByOne() => Gen.Select(Boxes, Boxes).Sample((a, b) =>
    {
        var (own, other) = (Cells(a), Cells(b));
        int both = own.Intersect(other).Count(), either = own.Union(other).Count();
        double expected = a == b ? 1 : either == 0 ? 0 : (double)both / either;
        Assert.Equal(expected, a.Overlap(b), Rounding);
        Assert.Equal(a.Overlap(b), b.Overlap(a));
    });

    /// <summary>Neither unit nor order of the axes changes what overlaps: heads need not be read for them.</summary>
    [Fact]
    public void OverlapDoesNotDependOnUnits() => Gen.Select(Boxes, Boxes, Gen.Int[1, 9], Gen.Int[1, 9]).Sample((a, b, sx, sy) =>
    {
        Box Turned(Box box) => new(box.Top * sy, box.Left * sx, box.Bottom * sy, box.Right * sx);
        Assert.Equal(a.Overlap(b), Turned(a).Overlap(Turned(b)), Rounding);
    });

    [Fact]
    public void MatchingIsThatOfTheSlowReferenceAndSymmetric() => Gen.Select(Lists, Lists).Sample((first, second) =>
    {
        int count = BoxMatching.Count(first, second);
        Assert.Equal(Slow(first, second), count);
        Assert.Equal(count, BoxMatching.Count(second, first));
        Assert.InRange(count, 0, Math.Min(first.Length, second.Length));
        // Greedy takes at least half of what is possible.
        Assert.InRange(2 * count, Most(first, second), int.MaxValue);
    });

    [Fact]
    public void AListIsAllKeptInItselfAndNothingIsInAnother() => Lists.Sample(list =>
    {
        Assert.Equal(list.Length, BoxMatching.Count(list, list));
        Assert.Equal(0, BoxMatching.Count(list, []));
        Assert.Equal(0, BoxMatching.Count(list, [.. list.Select(d => d with { Class = d.Class + 2 })]));
    });

    [Fact]
    public void WhatIsSuppressedOverlapsWithSomethingHigher() => Lists.Sample(list =>
    {
        var kept = Suppression.Apply(list);
        Assert.Equal(kept, Suppression.Apply(kept));
        Assert.All(kept, d => Assert.Contains(d, list));
        foreach (var d in list)
        {
            Assert.Contains(kept, k => k.Class == d.Class && k.Score >= d.Score
                && (k == d || k.Box.Overlap(d.Box) > Suppression.MostOverlap));
        }
        foreach (var (a, i) in kept.Select((d, i) => (d, i)))
        {
            Assert.DoesNotContain(kept.Skip(i + 1), b => a.Class == b.Class && a.Box.Overlap(b.Box) > Suppression.MostOverlap);
        }
    });

    private static HashSet<(int, int)> Cells(Box box)
    {
        var cells = new HashSet<(int, int)>();
        for (int x = (int)box.Left; x < box.Right; x++)
        {
            for (int y = (int)box.Top; y < box.Bottom; y++)
            {
                cells.Add((x, y));
            }
        }
        return cells;
    }

    /// <summary>Takes the pair that overlaps most among all that are left, over and over.</summary>
    private static int Slow(Detection[] first, Detection[] second)
    {
        var (left, right) = (Enumerable.Range(0, first.Length).ToList(), Enumerable.Range(0, second.Length).ToList());
        for (int count = 0; ; count++)
        {
            var pairs = left.SelectMany(_ => right, (i, j) => (I: i, J: j))
                .Where(p => first[p.I].Class == second[p.J].Class && first[p.I].Box.Overlap(second[p.J].Box) >= BoxMatching.LeastOverlap)
                .ToArray();
            if (pairs.Length == 0)
            {
                return count;
            }
            double most = pairs.Max(p => first[p.I].Box.Overlap(second[p.J].Box));
            var (i, j) = pairs.Where(p => first[p.I].Box.Overlap(second[p.J].Box) == most)
                .MinBy(p => (Math.Min(p.I, p.J), Math.Max(p.I, p.J)));
            left.Remove(i);
            right.Remove(j);
        }
    }

    /// <summary>The most pairs that any matching has: augmenting paths.</summary>
    private static int Most(Detection[] first, Detection[] second)
    {
        int[] partner = [.. second.Select(_ => -1)];
        bool Augment(int i, HashSet<int> seen)
        {
            for (int j = 0; j < second.Length; j++)
            {
                if (first[i].Class == second[j].Class && first[i].Box.Overlap(second[j].Box) >= BoxMatching.LeastOverlap && seen.Add(j)
                    && (partner[j] < 0 || Augment(partner[j], seen)))
                {
                    partner[j] = i;
                    return true;
                }
            }
            return false;
        }
        return Enumerable.Range(0, first.Length).Count(i => Augment(i, []));
    }
}
