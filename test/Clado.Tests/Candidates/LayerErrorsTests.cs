using Clado.Rounding;
using CsCheck;
using Xunit;

namespace Clado.Tests.Candidates;

/// <summary>What is kept up to date code by code against the same computed anew, in double precision.</summary>
public class LayerErrorsTests
{
    private const double Damping = 0.05;

    // Errors are kept in single precision, relative to what the outputs are without any code.
    private const double Tolerance = 1e-5;

    private static readonly Gen<FeedbackTests.Problem> Problems =
        from rows in Gen.Int[1, 6]
        from columns in Gen.Int[1, 60]
        from bits in Gen.Int[2, 8]
        from seed in Gen.Int[0, 1 << 30]
        select new FeedbackTests.Problem(rows, columns, bits, seed);

    [Fact]
    public void FeedbackSaysTheErrorOfItsCodes() => Problems.Sample(p =>
    {
        var feedback = ErrorFeedback.Of(p.Inputs.Gram[0], p.Columns, Damping, 1)!;
        float[][] rows = [.. p.Weights.Chunk(p.Columns)];
        var (scales, codes) = (p.Nearest().Scales, new sbyte[p.Weights.Length]);
        var said = feedback.Round(rows, scales, p.Bits, codes);
        for (int row = 0; row < p.Rows; row++)
        {
            double real = Error(p, new RoundedWeights(codes, scales), row);
            Assert.Equal(real, said[row], Tolerance * (real + 1));
        }
    }, iter: 100);

    [Fact]
    public void DescentIsThatOfSlopesFoundAnew() => Problems.Sample(p =>
    {
        var start = p.Nearest();
        var errors = new LayerErrors(Products(p), start);
        errors.Descend(p.Bits);
        var reference = SlowDescent.Codes(p, start, Damping, out var margins);
        for (int row = 0; row < p.Rows; row++)
        {
            // Where a code lay this close to the middle between two, rounding errors decide, and what follows differs, too.
            bool sure = margins[row] > 1e-3;
            Assert.True(!sure || Row(p, errors.Rounded.Codes, row).SequenceEqual(Row(p, reference, row)), $"row {row} of {p}");
        }
    }, iter: 200);

    [Fact]
    public void ErrorsAreKeptUpToDate() => Problems.Sample(p =>
    {
        var errors = new LayerErrors(Products(p), p.Nearest());
        for (int i = 0; i < 3; i++)
        {
            Check();
            errors.Descend(p.Bits);
            Check();
            if (KernelPairs.Of(p.Layer, p.Bits) is { } pairs)
            {
                errors.Limit(pairs);
                Check();
            }
            errors.Rescale();
        }

        void Check()
        {
            var (kept, anew) = (errors.OutputErrors(), p.OutputErrors(errors.Rounded));
            for (int row = 0; row < p.Rows; row++)
            {
                Assert.Equal(anew[row], kept[row], (1e-4 * anew[row]) + (Tolerance * p.OutputEnergy(row)) + 1e-9);
            }
        }
    }, iter: 100);

    /// <summary>With the codes as they are, no other scale has less error.</summary>
    [Fact]
    public void ARescaledRowHasTheBestScale() => Gen.Select(Problems, Gen.Double[0.9, 1.1]).Sample((p, factor) =>
    {
        var errors = new LayerErrors(Products(p), p.Nearest());
        errors.Rescale();
        var best = errors.Rounded;
        var other = best with { Scales = [.. best.Scales.Select(scale => (float)(scale * factor))] };
        for (int row = 0; row < p.Rows; row++)
        {
            Assert.True(Error(p, best, row) <= (Error(p, other, row) * (1 + 1e-6)) + 1e-9);
        }
    }, iter: 100);

    private static GramProducts Products(FeedbackTests.Problem p) => new(new LayerRows(p.Layer, p.Weights), p.Inputs, [Damping], 1);

    private static IEnumerable<sbyte> Row(FeedbackTests.Problem p, sbyte[] codes, int row) => codes.Skip(row * p.Columns).Take(p.Columns);

    /// <summary><c>eᵀ(H + λ)e</c> of a row.</summary>
    private static double Error(FeedbackTests.Problem p, RoundedWeights rounded, int row)
    {
        double[] e = [.. Enumerable.Range(row * p.Columns, p.Columns).Select(at =>
            p.Weights[at] - ((double)rounded.Codes[at] * rounded.Scales[row]))];
        return e.Select((x, i) => x * ((Damping * x) + e.Select((y, j) => p.Inputs.Gram[0][(i * p.Columns) + j] * y).Sum())).Sum();
    }
}
