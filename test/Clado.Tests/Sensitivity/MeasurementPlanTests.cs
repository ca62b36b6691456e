using Clado.Candidates;
using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>What is measured does not depend on who measures it: units, their names and what they come to.</summary>
public class MeasurementPlanTests
{
    private const int BatchSize = 5;

    private static readonly Preprocessing Unit = Preprocessing.Parse("unit");

    [Theory]
    [InlineData("additive")]
    [InlineData("pairwise")]
    [InlineData("block")]
    [InlineData("diagonal")]
    [InlineData("fisher")]
    public void UnitsInAnyOrderOnAnyMachineGiveTheSameMatrix(string estimator)
    {
        using var folder = new TemporaryFolder();
        var (graph, candidates, images) = Network(folder);
        var options = new SensitivityOptions { Estimator = estimator };
        bool isOfOutputs = estimator is "additive" or "fisher";
        // Of the float network, and around a choice, as a round of an allocation does.
        foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => 2 * layer)]])
        {
            SensitivityMatrix Alone()
            {
                using var records = new RecordStore();
                return SensitivityMeasurement.Measure(Inputs(graph, candidates, images, Roomy()), at, options, records);
            }

            var expected = Alone();
            MeasurementTask[] machines = [.. new[] { Tight(graph, candidates, estimator), Roomy() }.Select(resources =>
                new MeasurementTask(Inputs(graph, candidates, images, resources), at, options))];
            MeasurementPlan[] plans = [.. machines.Select(task => new MeasurementPlan(task, task.BatchSize()))];
            WorkUnit[] units = [.. plans[0].SelectMany(batch => batch.Units)];
            Assert.Equal(units, plans[1].SelectMany(batch => batch.Units));
            Assert.Equal(units.Length, units.Select(unit => unit.Key).Distinct().Count());

            // Every unit by one of the two, in any order, into one store of both, or into one each.
            new Random(7).Shuffle(units);
            using var shared = new RecordStore();
            RecordStore[] own = [new RecordStore(), new RecordStore()];
            for (int machine = 0; machine < 2; machine++)
            {
                WorkUnit[] share = [.. units.Where((_, i) => i % 2 == machine)];
                MeasureAlone(machines[machine], plans[machine], share, shared);
                MeasureAlone(machines[machine], plans[machine], share, own[machine]);
            }
            using var merged = new RecordStore();
            foreach (var (unit, i) in units.Select((unit, i) => (unit, i)))
            {
                Copy(unit, own[i % 2], merged);
            }
            Assert.All(own, store => store.Dispose());
            foreach (var records in (RecordStore[])[shared, merged])
            {
                var runner = new NothingToDo(unit => Assert.NotNull(Bytes(unit, records)));
                var matrix = SensitivityMeasurement.Measure(Inputs(graph, candidates, images, Roomy()), at, options, records, runner);
                Assert.Equal(expected.Raw, matrix.Raw);
                Assert.Equal(expected.StandardErrors, matrix.StandardErrors);
                Assert.Equal(expected.BaseLoss, matrix.BaseLoss);
                Assert.Equal(plans[0].Count, runner.Batches);
            }
        }

        // What a unit comes to is recorded as numbers of one type: losses, or for additive and fisher outputs.
        void Copy(WorkUnit unit, RecordStore from, RecordStore to)
        {
            if (isOfOutputs)
            {
                to.GetOrAdd(unit.Key, () => from.Find<float>(unit.Key, unit.ValueCount)!);
            }
            else
            {
                to.GetOrAdd(unit.Key, () => from.Find<double>(unit.Key, unit.ValueCount)!);
            }
        }

        object? Bytes(WorkUnit unit, RecordStore from) => isOfOutputs
            ? from.Find<float>(unit.Key, unit.ValueCount)
            : from.Find<double>(unit.Key, unit.ValueCount);
    }

    /// <summary>A chosen size may depend on the machine; one that is given may not, nor may a name.</summary>
    [Fact]
    public void NeitherMemoryNorThreadsNameAUnit()
    {
        using var folder = new TemporaryFolder();
        var (graph, candidates, images) = Network(folder);
        MeasurementTask Task(Resources resources, int? batchSize) =>
            new(Inputs(graph, candidates, images, resources) with { BatchSize = batchSize }, [], new() { Estimator = "additive" });
        Assert.NotEqual(Task(Roomy(), null).BatchSize(), Task(Tight(graph, candidates), null).BatchSize());
        var plans = new[] { Roomy(), Tight(graph, candidates), new Resources { Threads = 1, MemoryBytes = 1 } }
            .Select(resources => Task(resources, BatchSize)).Select(task => new MeasurementPlan(task, task.BatchSize())).ToArray();
        Assert.All(plans, plan => Assert.Equal(plans[0].SelectMany(b => b.Units), plan.SelectMany(b => b.Units)));
        Assert.Equal("float/batch/5/1/3", plans[0][1].Units[3].Key);
        // 16 images: three batches of 5 and one of 1; the work of all is that of the passes.
        Assert.Equal([5, 5, 5, 1], plans[0].Select(b => b.ImageCount));
        double floatPass = new NetworkCuts(graph, candidates.Layers, Readout.Of(graph)).Macs * 16.0;
        Assert.Equal(plans[0].MacsPerImage * 16, plans[0].Sum(b => b.Units.Sum(u => u.Macs)) + floatPass);
    }

    [Fact]
    public void ASizeThatIsChosenFitsAndOneThatDoesNotSaysWhatItNeeds()
    {
        using var folder = new TemporaryFolder();
        var (graph, candidates, _) = Network(folder);
        var needs = Needs(graph, candidates);
        long least = Needed(needs, 1);
        foreach (long memory in Enumerable.Range(0, 200).Select(step => least + (step * (1L << 18))))
        {
            int size = needs.ChooseBatchSize(memory);
            Assert.InRange(size, 1, 256);
            Assert.NotNull(needs.Plan(size, memory));
        }
        Assert.Equal(1, needs.ChooseBatchSize(1));
        var refused = Assert.Throws<CladoException>(() => needs.Plan(200, least));
        Assert.Contains("in batches of 200 images, as it was begun", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(needs.Plan(200, MemoryError.NeededBytes(refused.Message)));
    }

    /// <summary>Maps of scores are large, and cross terms want those of all candidates at once.</summary>
    [Fact]
    public void OutputsOfAllCandidatesCount()
    {
        var net = new NetworkBuilder(input: [3, 64, 64]);
        net.Weight("w1", 8, 3, 1, 1);
        net.Weight("w2", 40, 8, 1, 1);
        var graph = net.Then("Conv", "c1", ["w1"]).Then("Relu", "r").Then("Conv", "c2", ["w2"]).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4, 8);
        const int Images = 50;
        long Bytes(string estimator) => Needed(Needs(graph, candidates, estimator), Images);
        long shifts = Images * sizeof(float) * (long)candidates.Items.Count * 40 * 64 * 64;
        Assert.InRange(Bytes("additive") - Bytes("diagonal") - shifts, -(1 << 20), 1 << 20);
    }

    /// <summary>As a machine would that is given one unit at a time: all it has is the task and the unit.</summary>
    private static void MeasureAlone(MeasurementTask task, MeasurementPlan plan, WorkUnit[] units, RecordStore records)
    {
        using var loaded = new LoadedTask(task, plan, records);
        task.Inputs.Work.SideBySide.ForEach(units, unit =>
        {
            using var batch = loaded.Open(plan[unit.Batch]);
            batch.Measure(unit);
            batch.Measure(unit);
        });
    }

    private static (Graph Graph, CandidateSet Candidates, ImageSet Images) Network(TemporaryFolder folder)
    {
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        return (graph, Harness.Candidates(graph, 2, 4), ImageFolder.Open(Harness.Images(folder, "set", 2)));
    }

    private static MeasurementInputs Inputs(Graph graph, CandidateSet candidates, ImageSet images, Resources resources) =>
        new(graph, candidates, new Workload(images, Unit) { Resources = resources }) { BatchSize = BatchSize };

    private static MemoryNeeds Needs(Graph graph, CandidateSet candidates, string estimator = "auto")
    {
        var cuts = new NetworkCuts(graph, candidates.Layers, Readout.Of(graph));
        return new(cuts, candidates, Estimators.Of(estimator).Estimator.Memory(cuts, candidates));
    }

    private static Resources Roomy() => new() { Threads = 3, MemoryBytes = 8L << 30 };

    /// <summary>No more than batches of that size take.</summary>
    private static Resources Tight(Graph graph, CandidateSet candidates, string estimator = "auto") =>
        new() { Threads = 1, MemoryBytes = Needed(Needs(graph, candidates, estimator), BatchSize) };

    private static long Needed(MemoryNeeds needs, int batchSize) =>
        MemoryError.NeededBytes(Assert.Throws<CladoException>(() => needs.Plan(batchSize, 1)).Message);

    private sealed class NothingToDo(Action<WorkUnit> look) : IUnitRunner
    {
        public int Batches { get; private set; }

        public void Run(IReadOnlyList<WorkUnit> units, Action<WorkUnit> measure)
        {
            Batches++;
            Assert.All(units, look);
        }

        public void Dispose()
        {
        }
    }
}
