using System.Text.Json;
using Clado.Allocation;
using Clado.Curves;
using Clado.Evaluation;
using Clado.Graphs;
using Clado.Records;
using Clado.Reports;
using Clado.Runs;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Cli;

/// <summary>Results become JSON whatever their numbers are.</summary>
public class JsonTests
{
    private static readonly double[] None = [double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    [Fact]
    public void EveryNumberIsWritten()
    {
        foreach (double none in None)
        {
            var evaluated = new EvaluationResult
            {
                Model = "m",
                Images = 1,
                Labelled = true,
                SizeBytes = 1,
                Top1 = none,
                Top5 = none,
                Loss = none,
                Agreement = none,
            };
            using var evaluation = JsonDocument.Parse(evaluated.ToJson());
            Assert.Equal(JsonValueKind.Null, evaluation.RootElement.GetProperty("loss").ValueKind);
            var point = new CurvePoint
            {
                Method = CurveMethod.Clado,
                Budget = "1",
                SizeBytes = 1,
                BitsPerWeight = none,
                PredictedLoss = none,
                MeasuredLoss = none,
                Top1 = none,
                Agreement = none,
                Gap = none,
                Allocation = new Dictionary<string, int>(),
            };
            var points = new Curve { ImagesPath = "i", Images = 1, ImagesSha256 = "", Activations = "8", FloatBytes = 1, Points = [point] };
            using var curve = JsonDocument.Parse(points.ToJson());
            Assert.Equal(JsonValueKind.Null, curve.RootElement[0].GetProperty("measuredLoss").ValueKind);
            var result = new AllocationResult
            {
                Status = AllocationStatus.Optimal,
                Budget = new Budget { Text = "none" },
                Chosen = [],
                SizeBytes = 1,
                Surrogate = "s",
                Objective = none,
                Bound = none,
                Gap = none,
                SmallestBytes = 1,
                SmallestBitsPerWeight = none,
                MeasuredLoss = none,
                Trials = [new AllocationTrial(0, "s", none, none, none, true)],
            };
            var parity = new ParityResult(1, none, none, none)
            {
                OnImages = true,
                Outputs = [new("y", "one part", [new(0, 1, none, none, none, none)])],
            };
            using var allocation = JsonDocument.Parse(AllocationFile.Of(new AllocationOutcome(result, "auto", "8")
            {
                Kept = [],
                Decision = new(NetworkTask.Classify, "its output has classes"),
                ImagesUsed = 1,
                ImagesFound = null,
                Evaluation = new EvaluationResult
                {
                    Model = "m",
                    SizeBytes = 1,
                    Images = 1,
                    Labelled = false,
                    LossIncrease = none,
                    LossIncreases = [none],
                },
                Parity = parity,
                Biases = new BiasEffect(1, none, none, none),
            }));
            Assert.Equal(JsonValueKind.Null, allocation.RootElement.GetProperty("parity").GetProperty("largestDifference").ValueKind);
        }
    }

    /// <summary>A run folder whose curve has numbers that are none is written, and its page too.</summary>
    [Fact]
    public void CurvesAndPagesAreWritten()
    {
        using var folder = new TemporaryFolder();
        var run = SyntheticRun.Write(folder["run"], ["a", "b"], points: 3);
        var curve = Assert.Single(run.ReadCurves());
        run.WriteCurve(curve with
        {
            FloatTop1 = double.NaN,
            Points = [.. curve.Points.Select(p => p with { MeasuredLoss = double.PositiveInfinity })],
        });
        Assert.Null(Assert.Single(run.ReadCurves()).Points[0].MeasuredLoss);
        Assert.Contains("<html", Report.Read(folder["run"]).ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void FiniteNumbersComeBackToTheBit()
    {
        static T Back<T>(T value) => JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(value, JsonText.Compact), JsonText.Compact)!;
        Gen.Long.Where(bits => double.IsFinite(BitConverter.Int64BitsToDouble(bits))).Sample(bits =>
            BitConverter.DoubleToInt64Bits(Back(BitConverter.Int64BitsToDouble(bits))) == bits);
        Gen.Int.Where(bits => float.IsFinite(BitConverter.Int32BitsToSingle(bits))).Sample(bits =>
            BitConverter.SingleToInt32Bits(Back(BitConverter.Int32BitsToSingle(bits))) == bits);
        // What was no number is not taken for one where a number has to be.
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<double>("null", JsonText.Compact));
    }
}
