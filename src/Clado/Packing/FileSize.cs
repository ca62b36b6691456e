using Clado.Activations;
using Clado.Candidates;
using Clado.Graphs;
using Clado.Graphs.Integers;
using Clado.Layers;
using Clado.Onnx;

namespace Clado.Packing;

/// <summary>
/// The exact size of the file for any choice of widths. The graph's bytes are a sum over layers (<see cref="WeightSize"/>). What is around
/// them is the frame (<see cref="ModelFrame"/>) and the functions of the widths that are used (<see cref="UnpackingFunctions"/>).
/// </summary>
internal sealed class FileSize
{
    // Three planes, the scales, and the scale 1.
    private const int MostInitializersOfLayer = 5;

    private readonly ModelProto frame;
    private readonly ActivationPlan? plan;
    private readonly long frameGraphBytes;
    private readonly long aroundGraphBytes;
    private readonly int initializers;

    /// <summary>Measures the frame.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="format">What activations are in the file.</param>
    public FileSize(Graph graph, IReadOnlyList<QuantizableLayer> layers, ActivationFormat format = ActivationFormat.Float)
        : this(graph, layers, ActivationPlan.Of(graph, layers, format))
    {
    }

    /// <summary>Measures the frame.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="layers">The layers whose weights are quantized. Shape: [layers].</param>
    /// <param name="plan">What is rounded in the file; null where activations stay floats.</param>
    public FileSize(Graph graph, IReadOnlyList<QuantizableLayer> layers, ActivationPlan? plan)
    {
        frame = ModelFrame.Of(graph, layers);
        this.plan = plan;
        if (plan is not null)
        {
            // Grids and biases take the same bytes whatever their values are.
            var unmeasured = new QuantizedActivations(plan, ActivationRanges.Unmeasured(plan));
            QdqInsertion.Into(frame, unmeasured, new TensorNames(graph), integerBiases: true);
        }
        ModelFrame.Finish(frame, graph, layers, new float[layers.Count][]);
        ActivationBits = plan is null ? 32 : plan.AreKept ? ActivationGrids.Bits(graph) : 8;
        frameGraphBytes = frame.Graph.SizeBytes();
        initializers = frame.Graph.Initializer.Count + (layers.Count * MostInitializersOfLayer);
        frame.Graph = null;
        aroundGraphBytes = frame.CalculateSize();
    }

    /// <summary>Bits of an activation in the file.</summary>
    public int ActivationBits { get; }

    // What a second file costs beside the first, at most.
    private long SecondFileBytes => initializers * ExternalData.LargestOverheadBytes;

    /// <summary>
    /// Bytes of the file with these candidates. Where one file cannot have so many, two are written, and this is the most they have:
    /// how tensors are aligned depends on their order, and what refers to them on the file's name.
    /// </summary>
    /// <param name="weightBytes">Sum of <see cref="Candidate.SizeBytes"/> over the layers.</param>
    /// <param name="widths">Widths that are used, by layers of one width each.</param>
    public long Predict(long weightBytes, IEnumerable<int> widths) => Predict(weightBytes, FunctionBytes(widths));

    private long Predict(long weightBytes, long functionBytes)
    {
        long size = OneFile(weightBytes, functionBytes);
        return size <= OnnxFile.LargestBytes ? size : size + SecondFileBytes;
    }

    /// <summary>Bytes of the file with these candidates.</summary>
    /// <param name="chosen">One a layer. Shape: [layers].</param>
    public long Predict(IReadOnlyList<Candidate> chosen) =>
        Predict(chosen.Sum(c => c.SizeBytes), FunctionBytes(chosen.SelectMany(c => c.Functions(plan))));

    /// <summary>The same before it is known which layers a repair leaves without integer kernels.</summary>
    /// <param name="chosen">One a layer. Shape: [layers].</param>
    public long PredictForKernels(IReadOnlyList<Candidate> chosen) =>
        Predict(chosen.Sum(c => c.SizeBytes), FunctionBytes(chosen.SelectMany(c => c.Functions(null))));

    /// <summary>Throws unless what was written has the predicted size.</summary>
    /// <param name="path">Path that the error names.</param>
    /// <param name="sizeBytes">Bytes that were written.</param>
    /// <param name="chosen">The candidates they were written of. Shape: [layers].</param>
    /// <exception cref="InvalidOperationException">It has not: a defect of this library.</exception>
    public void Check(string path, long sizeBytes, IReadOnlyList<Candidate> chosen)
    {
        long predicted = Predict(chosen);
        if (predicted <= OnnxFile.LargestBytes ? sizeBytes != predicted : sizeBytes > predicted)
        {
            throw new InvalidOperationException($"{path}: {sizeBytes} bytes were written where {predicted} were predicted");
        }
    }

    /// <summary>Bytes that may go into the layers' weights so that the file keeps a budget.</summary>
    /// <param name="budgetBytes">Bytes of the whole file. Range: [0, inf).</param>
    /// <param name="widths">Widths that layers may have: each costs its function.</param>
    /// <param name="rowWidths">Widths that rows may have, where some layers have rows of several; empty where none has.</param>
    /// <returns>The largest sum of <see cref="Candidate.SizeBytes"/>; negative where the frame alone is over the budget.</returns>
    public long WeightBudget(long budgetBytes, IReadOnlyCollection<int> widths, IReadOnlyCollection<int>? rowWidths = null)
    {
        long functions = FunctionBytes([
            .. widths.Select(bits => (bits, Unpacking.ForKernels)),
            .. rowWidths is { Count: > 0 } ? RowEncoding.Functions(rowWidths) : []]);
        long beside = Largest(budgetBytes - SecondFileBytes, functions);
        return OneFile(beside, functions) > OnnxFile.LargestBytes
            ? beside
            : Largest(Math.Min(budgetBytes, OnnxFile.LargestBytes), functions);
    }

    /// <summary>The largest sum of weights whose one file has at most so many bytes; negative where it has more without any.</summary>
    private long Largest(long fileBytes, long functionBytes)
    {
        long weights = fileBytes - OneFile(0, functionBytes);
        if (weights > 0)
        {
            // The graph's length is itself written in the file, in 1 to 5 bytes.
            weights -= Math.Max(0, OneFile(weights, functionBytes) - fileBytes);
            while (OneFile(weights + 1, functionBytes) <= fileBytes)
            {
                weights++;
            }
        }
        return weights;
    }

    private long OneFile(long weightBytes, long functionBytes) =>
        aroundGraphBytes + functionBytes + FieldSize.Bytes(ModelProto.GraphFieldNumber, frameGraphBytes + weightBytes);

    private long FunctionBytes(IEnumerable<int> widths) => FunctionBytes(widths.Select(bits => (bits, Unpacking.ForKernels)));

    private long FunctionBytes(IEnumerable<(int Bits, Unpacking Unpacking)> used)
    {
        var with = frame.Clone();
        UnpackingFunctions.AddTo(with, used);
        return with.CalculateSize() - aroundGraphBytes;
    }
}
