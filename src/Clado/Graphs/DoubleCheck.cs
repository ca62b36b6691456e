using System.Numerics.Tensors;
using Clado.Execution;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Graphs;

/// <summary>
/// How far a network of double precision is from its reading as float, on random pixels. Where ONNX Runtime does not run it in double
/// precision, how far its outputs move when each of its constants moves by one step of float.
/// </summary>
/// <param name="original">The network as its file has it.</param>
/// <param name="reading">The same in floats.</param>
/// <param name="inputs">What both take.</param>
/// <param name="file">Path that errors name.</param>
internal sealed class DoubleCheck(ModelProto original, ModelProto reading, GraphInputs inputs, string file)
{
    // Relative L2. Rounding to float alone is below a millionth, and what 8-bit weights cost is a few thousandths: above this, what
    // quantization costs could not be told from what the reading does.
    private const double LargestDistance = 1e-3;

    /// <summary>Measures; in a sentence.</summary>
    /// <param name="shape">Shape of the image input.</param>
    /// <exception cref="OnnxFormatException">Float is too far away.</exception>
    public string Note(InputShape shape)
    {
        var dims = shape.Of(1);
        float[] pixels = RandomPixels.Of(inputs, dims, 1);
        var floats = Outputs(reading, pixels, dims);
        string how;
        double distance;
        try
        {
            distance = Distance(Outputs(original, pixels, dims), floats);
            how = Invariant($"float32 is {distance:0.0e0} away from double on random pixels, relative L2");
        }
        catch (OnnxFormatException e) when (e.InnerException is OnnxRuntimeException)
        {
            distance = Distance(floats, Outputs(Moved(), pixels, dims));
            how = "ONNX Runtime does not run all of it in double; constants moved by a step of float32 move outputs by "
                + Invariant($"{distance:0.0e0} on random pixels, relative L2");
        }
        return distance <= LargestDistance
            ? how
            : throw new OnnxFormatException(
                file,
                Invariant($"computes in double precision that float32 does not stand for: {how}, more than {LargestDistance}; ")
                    + "rewrite what cancels out in it and export it in float32");
    }

    /// <summary>The largest distance of an output; infinite where one is no number and the other is.</summary>
    private static double Distance(double[][] expected, double[][] actual)
    {
        double largest = 0;
        var comparable = expected.Zip(actual).Where(pair => pair.First.Length == pair.Second.Length && pair.First.Length > 0);
        foreach (var (wanted, found) in comparable)
        {
            if (!wanted.Zip(found).All(pair => double.IsFinite(pair.First) == double.IsFinite(pair.Second)))
            {
                return double.PositiveInfinity;
            }
            double[] known = Array.ConvertAll(wanted, Finite), near = Array.ConvertAll(found, Finite);
            double size = TensorPrimitives.Norm<double>(known);
            largest = Math.Max(largest, size > 0 ? TensorPrimitives.Distance<double>(known, near) / size : 0);
        }
        return largest;
    }

    private static double Finite(double value) => double.IsFinite(value) ? value : 0;

    private double[][] Outputs(ModelProto model, float[] pixels, long[] dims)
    {
        using var session = new GraphSession(model, file);
        using var feed = inputs.For(model).Feed(pixels, dims);
        using var values = session.Run(feed);
        return [.. values.Where(RealValues.Are).Select(RealValues.Doubles)];
    }

    /// <summary>The reading with every constant moved to the next float, up or down.</summary>
    private ModelProto Moved()
    {
        var random = new Random(1);
        var moved = GraphPart.Shell(reading);
        moved.Graph.Node.Add(reading.Graph.Node);
        moved.Graph.Input.Add(reading.Graph.Input);
        moved.Graph.Output.Add(reading.Graph.Output);
        moved.Graph.Initializer.Add(reading.Graph.Initializer.Select(tensor => (DataType)tensor.DataType != DataType.Float
            ? tensor
            : TensorData.Singles(
                tensor.Name,
                Array.ConvertAll(
                    TensorData.ReadSingles(file, tensor), v => random.Next(2) == 0 ? MathF.BitIncrement(v) : MathF.BitDecrement(v)),
                [.. tensor.Dims])));
        return moved;
    }
}
