using Clado.Allocation;
using Clado.Candidates;
using Clado.Curves;
using Clado.Layers;
using Clado.Runs;
using Clado.Sensitivity;

namespace Clado.Tests.Support;

/// <summary>
/// A finished run folder of a network that does not exist: layers of any names and number, random sensitivities, a curve.
/// </summary>
internal static class SyntheticRun
{
    private static readonly int[] Widths = [2, 3, 4, 8];

    /// <summary>Writes it.</summary>
    /// <param name="path">The run folder.</param>
    /// <param name="names">Names of the layers. Shape: [layers].</param>
    /// <param name="points">Points of the curve a method.</param>
    /// <param name="model">Path of the model, which is not there.</param>
    /// <param name="profiles">Whether it says how weights lie on their grids, and which layers are a block, as folders of today do.</param>
    public static RunFolder Write(
        string path, IReadOnlyList<string> names, int points = 20, string model = "/models/gone.onnx", bool profiles = false)
    {
        var random = new Random(5);
        var folder = RunFolder.OpenOrCreate(path, new RunDescription
        {
            ModelPath = model,
            ModelSha256 = new string('0', 64),
            ImagesPath = "/images/it's gone",
            ImagesSha256 = new string('1', 64),
            ImageCount = 512,
            Limit = 512,
            Seed = 3,
            Preprocessing = Clado.Images.Preprocessing.Parse("unit").ToJson(),
            Bits = Widths,
            Pins = [],
            Equalize = true,
            Rounding = "feedback on quantized inputs",
            Estimator = "auto",
            Loss = "kl",
            Activations = "float",
            CladoVersion = "0.1.0",
            OnnxRuntimeVersion = "1.0",
        });
        var layers = names.Select((name, i) => new QuantizableLayer
        {
            Index = i,
            Name = name,
            Op = "Conv",
            Weight = $"w{i}",
            Nodes = [i],
            Shape = [8L << (i % 5), 8, 3, 3],
            ChannelAxis = 0,
            Groups = 1,
            Macs = 1000 * (i + 1),
        }).ToArray();
        folder.WriteLayers(new LayerSet(layers, [new KeptOperation("attention, \"q\"", "MatMul", "no constant factor")]));
        var candidates = new CandidateSet(layers, [.. layers.SelectMany(layer => Widths.Select(bits => new Candidate
        {
            Layer = layer,
            Bits = bits,
            Codes = [],
            Scales = [],
            SizeBytes = layer.Parameters * bits / 8,
            SquaredError = 1.0 / bits,
        }))]);
        folder.WriteCandidates(candidates);
        if (profiles)
        {
            folder.WriteProfiles(() =>
                [.. layers.Select((layer, i) => new LayerProfile(layer.Name, i / 2, 1, [.. Widths.Select(ProfileOf)]))]);
        }
        int n = layers.Length * Widths.Length;
        var raw = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                raw[(i * n) + j] = raw[(j * n) + i] = (random.NextDouble() - (i == j ? 0 : 0.5)) * Math.Pow(10, -6 * random.NextDouble());
            }
        }
        folder.WriteSensitivity(new SensitivityMatrix
        {
            Estimator = "additive",
            Loss = "kl",
            BaseLoss = 0,
            ImageCount = 384,
            Raw = raw,
            StandardErrors = new double[n * n],
            Projected = raw,
            Eigenvalues = [.. Enumerable.Range(0, n).Select(i => (i - (n / 5.0)) / n)],
        }, candidates);
        if (points > 0)
        {
            folder.WriteCurve(CurveOf(layers, points));
        }
        return folder;
    }

    private static WidthProfile ProfileOf(int bits) => new(
        bits, [.. Enumerable.Range(0, WidthProfile.Parts).Select(part => 30 - Math.Abs(part - 30))],
        bits > 4 ? [] : [.. Enumerable.Range(0, 1 << bits).Select(code => 9 * code)]);

    private static Curve CurveOf(QuantizableLayer[] layers, int points) => new Curve
    {
        ImagesPath = "/images/test",
        Images = 2000,
        ImagesSha256 = new string('2', 64),
        Activations = "8",
        FloatBytes = layers.Sum(l => 4 * l.Parameters),
        FloatTop1 = 0.9,
    }.With([.. Enum.GetValues<CurveMethod>().SelectMany(method => Enumerable.Range(0, points).Select(i =>
    {
        int[] bits = [.. layers.Select((_, layer) => Widths[Math.Min(3, (4 * i / points) + (layer % 7 == 0 ? 1 : 0))])];
        long size = layers.Zip(bits).Sum(p => p.First.Parameters * p.Second / 8) + i;
        return new CurvePoint
        {
            Method = method,
            Budget = method == CurveMethod.Uniform && i == points / 2 ? "3bit" : $"{size}",
            BudgetBytes = size,
            SizeBytes = size,
            BitsPerWeight = bits.Average(),
            PredictedLoss = 0.1 / (i + 1),
            MeasuredLoss = (0.2 + (int)method) / (i + 1),
            MeasuredLossError = 0.01 / (i + 1),
            Top1Gain = new LossGain(-0.1 / (i + 1), 0.005, 2000),
            Gains = method != CurveMethod.Clado ? null :
            [
                new(CurveMethod.Diagonal, $"{size}", new(1, 0.1, 2000))
                {
                    Top1 = new(0.001, 0.002, 2000),
                    Agreement = new(0.002, 0.002, 2000),
                },
                new(CurveMethod.Uniform, "3bit", new(0.5, 0.1, 2000))
                {
                    Top1 = new(0.01, 0.004, 2000),
                    Agreement = new(0.01, 0.004, 2000),
                },
            ],
            Top1 = 0.9 - (0.1 / (i + 1)),
            Agreement = 1 - (0.1 / (i + 1)),
            Gap = 0,
            Allocation = layers.Zip(bits).ToDictionary(p => p.First.Name, p => p.Second),
        };
    }))]);
}
