using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Clado.Images;
using Clado.Records;
using Clado.Sensitivity;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Records;

public class RecordStoreTests
{
    /// <summary>Stages know no database: any store of keys and values serves, and what it holds is not measured again.</summary>
    [Fact]
    public void AnyStoreServesAMeasurement()
    {
        using var folder = new TemporaryFolder();
        var images = ImageFolder.Open(Harness.Images(folder, "set", 1));
        var graph = NetworkBuilder.SmallClassifier(classes: 8).BuildGraph();
        var inputs = new MeasurementInputs(graph, Harness.Candidates(graph, 2, 4), new Workload(images, Preprocessing.Parse("unit")));
        SensitivityMatrix Measure(IRecordStore records) => SensitivityMeasurement.Measure(
            inputs, [], new() { Estimator = "pairwise", Loss = "kl" }, records);

        using var database = new RecordStore();
        using var store = new PlainStore();
        var measured = Measure(database);
        Assert.Equal(measured.Raw, Measure(store).Raw);
        Assert.True(store.Computed > 0);
        int before = store.Computed;
        Assert.Equal(measured.Raw, Measure(store).Raw);
        Assert.Equal(before, store.Computed);
    }

    private sealed class PlainStore : IRecordStore
    {
        private readonly ConcurrentDictionary<string, byte[]> values = new();
        private int computed;

        public int Computed => computed;

        public T[] GetOrAdd<T>(string key, Func<T[]> compute, int? count = null) where T : unmanaged
        {
            if (Find<T>(key, count) is { } found)
            {
                return found;
            }
            var made = compute();
            Interlocked.Increment(ref computed);
            values[key] = MemoryMarshal.AsBytes(made.AsSpan()).ToArray();
            return made;
        }

        public T[]? Find<T>(string key, int? count = null) where T : unmanaged =>
            values.TryGetValue(key, out var value) ? MemoryMarshal.Cast<byte, T>(value).ToArray() : null;

        public void Remove(string prefix)
        {
            foreach (var key in values.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                values.TryRemove(key, out _);
            }
        }

        public void Dispose()
        {
        }
    }
}
