using Clado.Activations;
using Clado.Candidates;
using Clado.Export;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Packing;
using Clado.Tests.Layers;
using Clado.Tests.Sensitivity;
using Clado.Tests.Support;
using CsCheck;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Export;

/// <summary>Weights whose rows have widths of their own: the file has the predicted bytes and computes what their numbers do.</summary>
public class RowEncodingTests
{
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 7, 8];

    /// <summary>Random choices, some layers with rows of two to four widths: bytes as predicted, outputs to the bit.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void FilesAreExactToTheBitAndTheByte(bool isEarlier, bool isCompact)
    {
        foreach (var network in Networks())
        {
            var (graph, candidates) = Candidates(isEarlier ? Harness.Earlier(network) : network, isCompact);
            var sizes = new FileSize(graph, candidates.Layers);
            Gen.Int[0, int.MaxValue].Sample(seed =>
            {
                var chosen = Choose(graph, candidates, new Random(seed));
                var bytes = ModelWriter.Build(graph, chosen).ToByteArray();
                Assert.Equal(bytes.Length, sizes.Predict(chosen));
                Assert.Equal(bytes.Length, sizes.PredictForKernels(chosen));
                Assert.Equal(
                    Harness.Outputs(Harness.WithWeights(graph, chosen)), Harness.Outputs(OnnxFile.Parse("m.onnx", bytes)));
            }, iter: 30, threads: 1);
        }
    }

    /// <summary>With 8-bit activations they run on the integer kernels that weights of 8 bits run on, and to the same outputs.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IntegerKernelsTakeThemAsTheyTakeEightBits(bool isCompact)
    {
        using var folder = new TemporaryFolder();
        foreach (var network in Networks())
        {
            var usual = ModelWriter.Build(network, Harness.Candidates(network, 8).Items, ExportTests.Activations(network));
            var (graph, candidates) = Candidates(network, isCompact);
            var mixed = Choose(graph, candidates, new Random(5));
            var activations = ExportTests.Activations(graph);
            var written = ModelWriter.Build(graph, mixed, activations);
            Assert.Equal(written.CalculateSize(), new FileSize(graph, candidates.Layers, ActivationFormat.Int8).Predict(mixed));
            Assert.Equal(Harness.Optimized(folder, usual).Order(), Harness.Optimized(folder, written).Order());
            var (earlier, same) = Candidates(Harness.Earlier(network), isCompact);
            var other = ModelWriter.Build(earlier, Choose(earlier, same, new Random(5)), ExportTests.Activations(earlier));
            Assert.Equal(Harness.Outputs(written, integers: true), Harness.Outputs(other, integers: true));
        }
    }

    /// <summary>Candidates, and the network they are of: in forms of any number, or in those that files have.</summary>
    private static (Graph Graph, CandidateSet Candidates) Candidates(Graph graph, bool isCompact) =>
        isCompact ? CompactFormTests.Candidates(graph, Widths) : (graph, Harness.Candidates(graph, Widths));

    private static Graph[] Networks() =>
        [LayerTests.AllKinds(), NetworkBuilder.SmallClassifier().BuildGraph(), ExportTests.OddCounts(), RowTests.Grouped()];

    private static Candidate[] Choose(Graph graph, CandidateSet candidates, Random random)
    {
        var names = new TensorNames(graph);
        return [.. candidates.Layers.Select((layer, index) =>
        {
            Candidate[] own = [.. candidates.Items.Where((_, row) => candidates.LayerOf[row] == index)];
            int[] widths = [.. Widths.OrderBy(_ => random.Next()).Take(random.Next(1, RowGroup.Most + 1))];
            int[] rows = [.. Enumerable.Range(0, layer.ChannelCount).Select(_ => widths[random.Next(widths.Length)])];
            if (layer is not { ChannelAxis: not null, Matrices: 1 } || rows.Distinct().Count() == 1)
            {
                return own[random.Next(own.Length)];
            }
            return MixedCandidates.Of(graph, own, rows) with { SizeBytes = RowEncoding.Size(layer, rows, names, graph.Opset) };
        })];
    }
}
