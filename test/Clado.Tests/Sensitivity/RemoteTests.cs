using Clado.Execution;
using Clado.Images;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Sensitivity.Remote;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Sensitivity;

/// <summary>What another machine is told of a task is all it needs: what it measures has the same bits.</summary>
public class RemoteTests
{
    [Theory]
    [InlineData("additive", "kl")]
    [InlineData("additive", "ce")]
    [InlineData("pairwise", "kl")]
    [InlineData("block", "kl")]
    [InlineData("diagonal", "mse")]
    [InlineData("fisher", "kl")]
    [InlineData("fisher", "mse")]
    public void WhatIsToldOfATaskIsEnough(string estimator, string loss)
    {
        using var folder = new TemporaryFolder();
        var graph = NetworkBuilder.SmallClassifier(classes: 8, side: 24).BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4);
        var images = ImageFolder.Open(Harness.Images(folder, "set", 2));
        var options = new SensitivityOptions { Estimator = estimator, Loss = loss };
        var work = new Workload(images, Preprocessing.Parse("unit"));
        var inputs = new MeasurementInputs(graph, candidates, work)
        {
            BatchSize = 5,
            Scales = loss == "mse" ? Clado.Losses.ScaleMeasurement.Measure(graph, work) : null,
            Forward = estimator == "fisher" ? [0, 3] : [],
            Rows = estimator == "fisher" && loss == "kl",
        };
        foreach (var at in (int[][])[[], [.. candidates.Layers.Select((_, layer) => 2 * layer)]])
        {
            SensitivityMatrix Measured(Loopback? machines, IRecordStore records) => SensitivityMeasurement.Measure(
                inputs with { Work = work with { Resources = new() { Threads = 2, Machines = machines } } }, at, options, records);
            using var here = new RecordStore();
            using var there = new RecordStore();
            using var machines = new Loopback();
            var (expected, matrix) = (Measured(null, here), Measured(machines, there));
            Assert.Equal(expected.Raw, matrix.Raw);
            Assert.Equal(expected.StandardErrors, matrix.StandardErrors);
            Assert.Equal(expected.BaseLoss, matrix.BaseLoss);
            Assert.Equal(expected.Channels?.Alone, matrix.Channels?.Alone);
            Assert.Equal(expected.Channels?.Shares, matrix.Channels?.Shares);
            Assert.Equal(images.Items.Count / 5.0, machines.Batches, 1.0);
            // What is finished asks nobody.
            Assert.Equal(expected.Raw, Measured(machines, there).Raw);
            Assert.Equal(1, machines.Tasks);
        }
    }

    /// <summary>A machine that has nothing but bytes.</summary>
    private sealed class Loopback : Machines
    {
        public override string? Status => null;

        public int Tasks { get; private set; }

        public int Batches { get; set; }

        internal override IRemoteWork Begin(RemoteTask task)
        {
            Tasks++;
            return new Work(this, task);
        }

        private sealed class Work : IRemoteWork
        {
            private readonly Loopback owner;
            private readonly RemoteTask task;
            private readonly ServedTask served;

            public Work(Loopback owner, RemoteTask task)
            {
                (this.owner, this.task) = (owner, task);
                byte[] Bytes(Blob blob) => blob.Read(0, (int)blob.Length);
                Stream File(string hash) => new MemoryStream(Bytes(task.Files.Single(file => file.Hash == hash)));
                served = ServedTask.Read(Bytes(task.Description), File, new() { Threads = 1 }, default);
            }

            public void Wait(int group)
            {
                owner.Batches++;
                var input = task.Input(group);
                using var batch = served.Open(group, input.Read(0, (int)input.Length));
                foreach (var unit in task.Units(group).Reverse())
                {
                    task.Keep(unit, batch.Measure(unit.Row));
                }
            }

            public void Dispose() => served.Dispose();
        }
    }
}
