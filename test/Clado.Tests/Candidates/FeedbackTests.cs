using Clado.Calibration;
using Clado.Layers;
using Clado.Rounding;
using CsCheck;
using Xunit;

namespace Clado.Tests.Candidates;

/// <summary>Laws of error feedback, on random weights and random inputs.</summary>
public class FeedbackTests
{
    // Output errors are formed in single precision from a Gram matrix.
    private const double ErrorTolerance = 1e-4;

    private static readonly Gen<Problem> Problems =
        from rows in Gen.Int[1, 40]
        from columns in Gen.Int[1, 120]
        from bits in Gen.Int[2, 8]
        from seed in Gen.Int[0, 1 << 30]
        select new Problem(rows, columns, bits, seed);

    [Fact]
    public void CodesAreInRangeAndScalesUsable() => Problems.Sample(p =>
    {
        var rounded = p.Round();
        Assert.All(rounded.Codes, c => Assert.InRange(c, Grid.Lowest(p.Bits), Grid.Highest(p.Bits)));
        Assert.All(rounded.Scales, s => Assert.True(float.IsNormal(s)));
    }, iter: 200);

    [Fact]
    public void NeverWorseThanNearestOnTheRowsItSaw() => Problems.Sample(p =>
    {
        var (own, nearest) = (p.OutputErrors(p.Round()), p.OutputErrors(p.Nearest()));
        for (int c = 0; c < own.Length; c++)
        {
            double allowed = (nearest[c] * (1 + ErrorTolerance)) + (1e-6 * p.OutputEnergy(c));
            Assert.True(own[c] <= allowed, $"channel {c}: {own[c]} > {nearest[c]}");
        }
    }, iter: 200);

    [Fact]
    public void AScaledLayerGivesTheSameCodes() => Gen.Select(Problems, Gen.Int[-6, 6]).Sample((p, power) =>
    {
        // A power of two changes no digit of any intermediate result.
        float factor = MathF.ScaleB(1, power);
        var (one, other) = (p.Round(), p.Round([.. p.Weights.Select(w => w * factor)]));
        Assert.Equal(one.Codes, other.Codes);
        Assert.Equal(one.Scales.Select(s => s * factor), other.Scales);
    }, iter: 100);

    [Fact]
    public void PermutedChannelsGivePermutedCodes() => Problems.Sample(p =>
    {
        int[] order = [.. Enumerable.Range(0, p.Rows)];
        new Random(p.Seed).Shuffle(order);
        var one = p.Round();
        var other = p.Round([.. order.SelectMany(row => p.Weights.Skip(row * p.Columns).Take(p.Columns))]);
        for (int i = 0; i < order.Length; i++)
        {
            Assert.Equal(one.Scales[order[i]], other.Scales[i]);
            Assert.Equal(one.Codes.Skip(order[i] * p.Columns).Take(p.Columns), other.Codes.Skip(i * p.Columns).Take(p.Columns));
        }
    }, iter: 100);

    /// <summary>With each group's channels permuted, or without: a grouped convolution is its groups, one by one.</summary>
    [Fact]
    public void GroupsAreRoundedByThemselves() => Gen.Select(Problems, Gen.Int[2, 4]).Sample((p, groups) =>
    {
        Problem[] parts = [.. Enumerable.Range(0, groups).Select(g => new Problem(p.Rows, p.Columns, p.Bits, p.Seed + g))];
        var layer = p.Layer with { Op = "Conv", Shape = [groups * p.Rows, p.Columns, 1, 1], Groups = groups };
        var inputs = new InputStatistics(p.Columns, 1, [.. parts.Select(part => part.Inputs.Gram[0])]);
        var whole = new FeedbackRounding().Round(layer, parts.SelectMany(part => part.Weights).ToArray(), [p.Bits], inputs, 2)[0];
        Assert.Equal(parts.SelectMany(part => part.Round().Codes), whole.Codes);
        Assert.Equal(parts.SelectMany(part => part.Round().Scales), whole.Scales);
    }, iter: 50);

    [Fact]
    public void WeightsOnTheGridStayWhereTheyAre() => Problems.Sample(p =>
    {
        var once = p.Round();
        float[] weights = [.. once.Codes.Select((code, i) => code * once.Scales[i / p.Columns])];
        double damping = 0.01 * Enumerable.Range(0, p.Columns).Average(i => p.Inputs.Gram[0][i * (p.Columns + 1)]);
        var feedback = ErrorFeedback.Of(p.Inputs.Gram[0], p.Columns, damping, 1)!;
        for (int row = 0; row < p.Rows; row++)
        {
            var codes = new sbyte[p.Columns];
            feedback.Round([weights[(row * p.Columns)..((row + 1) * p.Columns)]], [once.Scales[row]], p.Bits, codes);
            Assert.Equal(once.Codes.Skip(row * p.Columns).Take(p.Columns), codes);
        }
        var improved = new LayerErrors(new GramProducts(new LayerRows(p.Layer, weights), p.Inputs, [damping], 1), once);
        improved.Descend(p.Bits);
        Assert.Equal(once.Codes, improved.Rounded.Codes);
    }, iter: 100);

    [Fact]
    public void WithADiagonalGramMatrixEveryCodeIsTheNearest() => Problems.Sample(p =>
    {
        var gram = new float[p.Columns * p.Columns];
        for (int i = 0; i < p.Columns; i++)
        {
            gram[i * (p.Columns + 1)] = 0.1f + (i % 7);
        }
        var rounded = p.Round(inputs: new InputStatistics(p.Columns, 1, [gram]));
        for (int i = 0; i < rounded.Codes.Length; i++)
        {
            float code = p.Weights[i] / rounded.Scales[i / p.Columns];
            // The last refinement of a scale keeps the codes, so a weight half way between two points may lie on either side.
            // And an 8-bit code may be smaller by one for the sake of its pair (KernelPairsTests).
            double tolerance = p.Bits == 8 ? 1.75 : 0.75;
            Assert.InRange(rounded.Codes[i] - Math.Clamp(code, Grid.Lowest(p.Bits), Grid.Highest(p.Bits)), -tolerance, tolerance);
        }
    }, iter: 100);

    [Fact]
    public void ThreadsChangeNothing() => Problems.Sample(p =>
    {
        var (one, two) = (p.Round(threads: 1), p.Round(threads: 3));
        Assert.Equal(one.Codes, two.Codes);
        Assert.Equal(one.Scales, two.Scales);
    }, iter: 30);

    /// <summary>
    /// The paper's form gives the same codes: columns by falling diagonal, the inverse of H, errors handed on to later columns.
    /// </summary>
    [Fact]
    public void CodesAreThoseOfTheInverseForm() => Problems.Sample(p =>
    {
        double damping = 0.05;
        var scales = new float[p.Rows];
        Array.Fill(scales, 2f / Grid.Highest(p.Bits));
        var codes = new sbyte[p.Weights.Length];
        var feedback = ErrorFeedback.Of(p.Inputs.Gram[0], p.Columns, damping, 1)!;
        for (int first = 0; first < p.Rows; first += 32)
        {
            int count = Math.Min(32, p.Rows - first);
            var rows = Enumerable.Range(first, count).Select(r => p.Weights[(r * p.Columns)..((r + 1) * p.Columns)]).ToArray();
            feedback.Round(rows, scales.AsSpan(first, count), p.Bits, codes.AsSpan(first * p.Columns, count * p.Columns));
        }
        var reference = SlowFeedback.Codes(p, scales[0], damping, out var margins);
        // Where a target lies this close to the middle between two codes, rounding errors decide, and later columns of the row differ, too.
        for (int row = 0; row < p.Rows; row++)
        {
            IEnumerable<T> Row<T>(IEnumerable<T> values) => values.Skip(row * p.Columns).Take(p.Columns);
            bool sure = Row(margins).All(m => m > 1e-3);
            Assert.True(!sure || Row(codes).SequenceEqual(Row(reference)), $"row {row} of {p}");
        }
    }, iter: 60);

    [Fact]
    public void DeadChannelsAndDeadInputsAreDefined()
    {
        var p = new Problem(4, 10, 3, 5);
        var weights = p.Weights.ToArray();
        weights.AsSpan(10, 10).Clear();
        var zeroRow = p.Round(weights);
        Assert.All(zeroRow.Codes.Skip(10).Take(10), c => Assert.Equal(0, c));
        Assert.True(float.IsNormal(zeroRow.Scales[1]));
        // Inputs that are always zero: there is no error to correct, so nearest.
        var (own, nearest) = (p.Round(inputs: new InputStatistics(10, 100, [new float[100]])), p.Nearest());
        double Error(RoundedWeights r) => p.Weights.Select((w, i) => Math.Pow(w - ((double)r.Codes[i] * r.Scales[i / 10]), 2)).Sum();
        Assert.InRange(Error(own), 0, Error(nearest) * 1.0001);
        // One input that is always zero.
        var gram = p.Inputs.Gram[0].ToArray();
        for (int i = 0; i < 10; i++)
        {
            gram[(i * 10) + 4] = gram[40 + i] = 0;
        }
        var one = new FeedbackRounding().Round(p.Layer, p.Weights, [8], new InputStatistics(10, 100, [gram]), 1)[0];
        for (int row = 0; row < 4; row++)
        {
            int at = (row * 10) + 4;
            Assert.InRange(one.Codes[at] - Math.Clamp(p.Weights[at] / one.Scales[row], -127, 127), -0.75, 0.75);
        }
    }

    /// <summary>A layer of random weights and correlated random inputs.</summary>
    internal sealed record Problem
    {
        public Problem(int rows, int columns, int bits, int seed)
        {
            (Rows, Columns, Bits, Seed) = (rows, columns, bits, seed);
            var random = new Random(seed);
            Weights = [.. Enumerable.Range(0, rows * columns).Select(_ => (float)((random.NextDouble() * 2) - 1))];
            X = new double[(2 * columns) + 3][];
            for (int n = 0; n < X.Length; n++)
            {
                double common = random.NextDouble();
                X[n] = [.. Enumerable.Range(0, columns).Select(_ => Math.Max(0, common + random.NextDouble() - 0.7))];
            }
            var gram = new float[columns * columns];
            for (int i = 0; i < columns; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    gram[(i * columns) + j] = (float)X.Average(x => x[i] * x[j]);
                }
            }
            Inputs = new InputStatistics(columns, X.Length, [gram]);
        }

        public int Rows { get; }

        public int Columns { get; }

        public int Bits { get; }

        public int Seed { get; }

        public float[] Weights { get; }

        public double[][] X { get; }

        public InputStatistics Inputs { get; }

        public QuantizableLayer Layer => new()
        {
            Index = 0,
            Name = "l",
            Op = "Gemm",
            Weight = "w",
            Nodes = [0],
            Shape = [Rows, Columns],
            ChannelAxis = 0,
            Groups = 1,
            Macs = Rows * Columns,
        };

        public RoundedWeights Round(float[]? weights = null, int threads = 1, InputStatistics? inputs = null) =>
            new FeedbackRounding().Round(Layer, weights ?? Weights, [Bits], inputs ?? Inputs, threads)[0];

        public RoundedWeights Nearest() => new NearestRounding().Round(Layer, Weights, [Bits], null, 1)[0];

        /// <summary>Mean squared output error of each channel, straight from the inputs.</summary>
        public double[] OutputErrors(RoundedWeights rounded) => [.. Enumerable.Range(0, Rows).Select(row =>
            Energy(row, at => Weights[at] - ((double)rounded.Codes[at] * rounded.Scales[row])))];

        public double OutputEnergy(int row) => Energy(row, at => Weights[at]);

        /// <summary>Mean square of a row's outputs with other weights.</summary>
        private double Energy(int row, Func<int, double> weight) =>
            X.Average(x => Math.Pow(Enumerable.Range(0, Columns).Sum(k => x[k] * weight((row * Columns) + k)), 2));
    }
}
