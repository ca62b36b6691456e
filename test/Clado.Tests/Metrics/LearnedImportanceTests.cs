using Clado.Metrics;
using Xunit;

namespace Clado.Tests.Metrics;

/// <summary>Importance that is read off a short tuning, beside the same tuning done slowly, in double precision.</summary>
public class LearnedImportanceTests
{
    // Single precision, six steps of Adam, whose length does not fall with the gradient's.
    private const double Relative = 2e-3;

    // 24 images, eight a step, twice.
    private const int Steps = 6;

    private static readonly int[] Bits = [2, 3, 4, 8];

    [Fact]
    public void EveryEpochShowsEveryImageOnce()
    {
        for (int count = 1; count < 40; count++)
        {
            int steps = Math.Max(1, count / ShortTuning.BatchSize);
            int[][] batches = [.. Enumerable.Range(1, ShortTuning.Epochs * steps).Select(step => ShortTuning.Batch(step, count))];
            Assert.All(batches.Chunk(steps), epoch =>
            {
                int[] shown = [.. epoch.SelectMany(own => own)];
                Assert.Equal(shown.Length, shown.Distinct().Count());
                Assert.Equal(Math.Min(count, steps * ShortTuning.BatchSize), shown.Length);
            });
        }
    }

    [Fact]
    public void StepSizesAreThoseOfTheJointTraining()
    {
        using var net = new TinyNetwork();
        int[][] rows = [[0, 1, 2, 3], [4, 5, 6, 7]];
        double[][] weights = [net.W1, net.W2];
        double[] sizes = [.. Enumerable.Range(0, 8).Select(row =>
        {
            double[] own = weights[row / 4];
            double mean = own.Average(), deviation = Math.Sqrt(own.Average(w => (w - mean) * (w - mean)));
            double range = Math.Max(Math.Abs(mean - (3 * deviation)), Math.Abs(mean + (3 * deviation)));
            return Math.Log(range / (1 << (Bits[row % 4] - 1)));
        })];
        var adam = new Adam(8);
        for (int step = 1; step <= Steps; step++)
        {
            var slope = new double[8];
            int[][] networks = [.. LimpqMetric.Networks(rows, step)];
            Assert.Equal([[0, 4], [1, 5], [2, 6], [3, 7]], networks[..4]);
            foreach (int[] chosen in networks)
            {
                double[][] rounded = [.. chosen.Select((row, layer) => weights[layer].Select(w => Rounded(w, row)).ToArray())];
                double[][] gradients = net.MeanGradients(ShortTuning.Batch(step, 24), rounded[0], rounded[1]);
                for (int layer = 0; layer < 2; layer++)
                {
                    int row = chosen[layer];
                    slope[row] += weights[layer].Select((w, i) => gradients[layer][i] * Slope(w, row)).Sum() * Math.Exp(sizes[row]);
                }
            }
            adam.Move(sizes, slope, step, LimpqMetric.Rate);
        }
        double[] found = LimpqMetric.StepSizes(net.Context);
        Assert.All(sizes.Zip(found), own => Close(Math.Exp(own.First), Math.Exp(own.Second)));

        double Code(double w, int row) => Math.Round(w / Math.Exp(sizes[row]));
        int Low(int row) => Bits[row % 4] == 8 ? -127 : -(1 << (Bits[row % 4] - 1));
        int High(int row) => (1 << (Bits[row % 4] - 1)) - 1;
        double Rounded(double w, int row) => Math.Exp(sizes[row]) * Math.Clamp(Code(w, row), Low(row), High(row));
        double Slope(double w, int row)
        {
            double value = w / Math.Exp(sizes[row]);
            return value <= Low(row) ? Low(row) : value >= High(row) ? High(row) : Math.Round(value) - value;
        }
    }

    [Fact]
    public void PlanesAreWhatLossAndPenaltyLeaveOfThem()
    {
        const int Planes = 7;
        using var net = new TinyNetwork();
        double[][] weights = [net.W1, net.W2];
        double[] units = [.. weights.Select(own => own.Max(Math.Abs) / 127)];
        // Plane by plane, one after the other. Shape: [layers][planes · parameters].
        double[][] bits = [.. weights.Select((own, layer) => Enumerable.Range(0, Planes).SelectMany(k =>
            own.Select(w => (double)(((int)Math.Round(Math.Abs(w) / units[layer]) >> k) & 1))).ToArray())];
        Adam[] optimizers = [.. bits.Select(own => new Adam(own.Length))];
        double all = weights.Sum(own => own.Length);
        double Norm(int layer, int k) =>
            Math.Sqrt(bits[layer].Skip(k * weights[layer].Length).Take(weights[layer].Length).Sum(bit => bit * bit));
        for (int step = 1; step <= Steps; step++)
        {
            double[][] now = [.. weights.Select((own, layer) => own.Select((w, i) => Math.Sign(w) * units[layer] * Math.Round(
                Enumerable.Range(0, Planes).Sum(k => (1 << k) * bits[layer][(k * own.Length) + i]))).ToArray())];
            double[][] gradients = net.MeanGradients(ShortTuning.Batch(step, 24), now[0], now[1]);
            for (int layer = 0; layer < 2; layer++)
            {
                int n = weights[layer].Length;
                double[] norms = [.. Enumerable.Range(0, Planes).Select(k => Norm(layer, k))];
                double[] slope = [.. bits[layer].Select((bit, j) =>
                    (gradients[layer][j % n] * Math.Sign(weights[layer][j % n]) * units[layer] * (1 << (j / n)))
                    + (norms[j / n] > 0 ? BsqMetric.Penalty * n * Planes / all * bit / norms[j / n] : 0))];
                optimizers[layer].Move(bits[layer], slope, step, BsqMetric.Rate);
                bits[layer] = [.. bits[layer].Select(bit => Math.Clamp(bit, 0, 2))];
            }
        }
        double[][] found = BsqMetric.Norms(net.Context);
        double[] scores = Scores(new BsqMetric(), net);
        for (int layer = 0; layer < 2; layer++)
        {
            Assert.Equal(Planes, found[layer].Length);
            Assert.All(found[layer].Index(), own => Close(Norm(layer, own.Index), own.Item));
            Close(Norm(layer, 0) + Norm(layer, 1) + Norm(layer, 2) + Norm(layer, 3), scores[(4 * layer) + 2]);
            Assert.Equal(0, scores[(4 * layer) + 3]);
        }
    }

    [Fact]
    public void GatesAreThoseOfDroppedBits()
    {
        const double Temperature = 2.0 / 3;
        using var net = new TinyNetwork();
        double[][] candidates = [.. net.Context.Candidates.Select(net.WeightsOf)];
        double[] sizes = [net.W1.Length, net.W2.Length];
        double[] gates = [.. Enumerable.Range(0, 8).Select(row => row % 4 == 0 ? 0 : (double)DropBitsMetric.Begin)];
        Adam[] optimizers = [new(4), new(4)];
        for (int step = 1; step <= Steps; step++)
        {
            var random = new Random(step);
            var (values, slopes) = (new double[8], new double[8]);
            for (int row = 0; row < 8; row++)
            {
                if (row % 4 > 0)
                {
                    double u = random.NextDouble(), s = Sigmoid((Math.Log(u / (1 - u)) + gates[row]) / Temperature), wide = (1.2 * s) - 0.1;
                    (values[row], slopes[row]) = (Math.Clamp(wide, 0, 1), wide is > 0 and < 1 ? 1.2 * s * (1 - s) / Temperature : 0);
                }
            }
            double[][] gradients = net.MeanGradients(ShortTuning.Batch(step, 24), Mixed(0, values), Mixed(1, values));
            for (int layer = 0; layer < 2; layer++)
            {
                double[] own = gates[(4 * layer)..(4 * (layer + 1))], slope = new double[4];
                for (int gate = 1; gate < 4; gate++)
                {
                    // Weights are linear in a gate: a difference of one is the derivative.
                    int row = (4 * layer) + gate;
                    double[] shut = Mixed(layer, With(values, row, 0)), open = Mixed(layer, With(values, row, 1));
                    double along = gradients[layer].Select((g, i) => g * (open[i] - shut[i])).Sum() * slopes[row];
                    const double Small = 1e-5;
                    double more = MeanBits(With(own, gate, own[gate] + Small)), less = MeanBits(With(own, gate, own[gate] - Small));
                    double bits = (more - less) / (2 * Small);
                    slope[gate] = along + (DropBitsMetric.Penalty * sizes[layer] / sizes.Sum() * bits);
                }
                optimizers[layer].Move(own, slope, step, DropBitsMetric.Rate);
                own.CopyTo(gates, 4 * layer);
            }
        }
        double[] found = [.. DropBitsMetric.Gates(net.Context).SelectMany(own => own)], scores = Scores(new DropBitsMetric(), net);
        Assert.All(gates.Zip(found), own => Close(own.First, own.Second));
        for (int layer = 0; layer < 2; layer++)
        {
            double[] own = gates[(4 * layer)..(4 * (layer + 1))];
            Close(MeanBits(own) - 2, scores[4 * layer]);
            Close(4 * Open(own[1]) * Open(own[2]) * Open(own[3]), scores[(4 * layer) + 2]);
            Assert.Equal(0, scores[(4 * layer) + 3]);
        }

        double[] Mixed(int layer, double[] values) => [.. candidates[4 * layer].Select((w, i) => w + Enumerable.Range(1, 3).Sum(j =>
            Enumerable.Range(1, j).Aggregate(1.0, (product, k) => product * values[(4 * layer) + k])
            * (candidates[(4 * layer) + j][i] - candidates[(4 * layer) + j - 1][i])))];
        double MeanBits(double[] own) => 2 + Enumerable.Range(1, 3).Sum(j =>
            (Bits[j] - Bits[j - 1]) * Enumerable.Range(1, j).Aggregate(1.0, (product, k) => product * Open(own[k])));
        double Open(double gate) => Sigmoid(gate - (Temperature * Math.Log(0.1 / 1.1)));
        double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));
        double[] With(double[] own, int index, double value) => [.. own.Select((was, i) => i == index ? value : was)];
    }

    private static double[] Scores(IMetric metric, TinyNetwork net)
    {
        double[] matrix = metric.Measure(net.Context).Matrix!;
        int n = net.Context.Candidates.Count;
        return [.. Enumerable.Range(0, n).Select(row => matrix[row * (n + 1)] / 2)];
    }

    private static void Close(double expected, double found) =>
        Assert.True(Math.Abs(expected - found) <= Relative * Math.Abs(expected), $"{expected} expected, {found} found");

    /// <summary>Algorithm 1 of arXiv 1412.6980.</summary>
    private sealed class Adam(int count)
    {
        private readonly double[] mean = new double[count], square = new double[count];

        public void Move(double[] values, double[] slope, int step, double rate)
        {
            for (int i = 0; i < count; i++)
            {
                mean[i] = (0.9 * mean[i]) + (0.1 * slope[i]);
                square[i] = (0.999 * square[i]) + (0.001 * slope[i] * slope[i]);
                double first = mean[i] / (1 - Math.Pow(0.9, step)), second = square[i] / (1 - Math.Pow(0.999, step));
                values[i] -= rate * first / (Math.Sqrt(second) + 1e-12);
            }
        }
    }
}
