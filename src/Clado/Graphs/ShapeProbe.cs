using System.Collections.Frozen;
using Clado.Onnx;
using Microsoft.ML.OnnxRuntime;
using static System.FormattableString;

namespace Clado.Graphs;

/// <summary>
/// Finds type and shape of every tensor: runs the network on one image and, where the batch is free, once more on two. Where the file
/// leaves the image's size free, it is the first at which the network runs.
/// </summary>
internal static class ShapeProbe
{
    // An input beyond this is no image but a broken header; the probe must not allocate for it.
    private const long MaximumInputElements = 1L << 26;

    /// <summary>Looks for the shape of the input, and runs.</summary>
    /// <param name="model">The model, nodes in topological order.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="options">What is said of them.</param>
    /// <param name="file">Path that errors name.</param>
    /// <exception cref="OnnxFormatException">The network does not run, or what is said of its input does not fit it.</exception>
    public static ProbedShapes Find(ModelProto model, GraphInputs inputs, InputOptions options, string file)
    {
        var search = new ShapeSearch(model, inputs, options, file);
        using var probe = new NetworkProbe(model, inputs, file);
        var (candidate, one) = First(search, probe, inputs, file);
        var notes = new List<string>([.. new[] { candidate.Note }.OfType<string>()]);
        var shape = new InputShape(candidate.Dims, search.HasFreeBatch)
        {
            Setting = search.Setting(candidate.Dims),
            Size = search.SizeOf(candidate.Dims),
            Notes = notes,
        };
        if (shape.HasFreeBatch && probe.WhyOneByOne(shape) is { } problem)
        {
            notes.Add($"the images of a batch run one at a time: {problem}");
            shape = shape with { HasFreeBatch = false };
        }
        return new ProbedShapes(shape, Batched(probe, shape, one));
    }

    /// <summary>Runs a network whose input has a shape that is known.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="shape">Shape of the image input.</param>
    /// <param name="file">Path that errors name.</param>
    public static IReadOnlyDictionary<string, TensorInfo> Run(ModelProto model, GraphInputs inputs, InputShape shape, string file)
    {
        using var probe = new NetworkProbe(model, inputs, file);
        return Batched(probe, shape, probe.Shapes(shape.Of(1)));
    }

    private static FrozenDictionary<string, TensorInfo> Batched(NetworkProbe probe, InputShape shape, Dictionary<string, TensorInfo> one)
    {
        var two = shape.HasFreeBatch ? probe.Shapes(shape.Of(2)) : one;
        return one.ToFrozenDictionary(pair => pair.Key, pair => pair.Value with
        {
            Batched = [.. pair.Value.Shape.Zip(two[pair.Key].Shape, (a, b) => a != b)],
        });
    }

    /// <summary>The first shape at which the network runs.</summary>
    private static (ShapeCandidate, Dictionary<string, TensorInfo>) First(
        ShapeSearch search, NetworkProbe probe, GraphInputs inputs, string file)
    {
        (ShapeCandidate Shape, Dictionary<string, TensorInfo> Tensors)? rows = null;
        OnnxFormatException? first = null;
        var failed = new List<long[]>();
        foreach (var candidate in search.Candidates().TakeWhile(one => IsPossible(one.Dims) || Refuse(one.Dims, inputs, file)))
        {
            if (rows is { } larger && candidate.Dims.Aggregate(Product) > larger.Shape.Dims.Aggregate(Product))
            {
                continue;
            }
            try
            {
                var tensors = probe.Shapes(candidate.Dims);
                if (!candidate.IsGuess || !search.HasFreeBatch || !probe.IsTakenApart(tensors))
                {
                    return (candidate, tensors);
                }
                rows ??= (candidate, tensors);
            }
            catch (OnnxFormatException e) when (!search.IsSettled && e.InnerException is OnnxRuntimeException)
            {
                first ??= e;
                failed.Add(candidate.Dims);
            }
        }
        return rows ?? throw search.Refusal(first!, failed);
    }

    private static long Product(long a, long b) => a * b;

    private static bool IsPossible(long[] shape) =>
        shape.All(d => InputText.IsSide(d)) && shape.Aggregate(1.0, (product, d) => product * d) <= MaximumInputElements;

    private static bool Refuse(long[] shape, GraphInputs inputs, string file) =>
        throw new OnnxFormatException(file, Invariant($"impossible input shape {ShapeText.Of(shape)}"), tensor: inputs.Image);
}

/// <summary>What running a network once tells.</summary>
/// <param name="Input">Shape of its image input.</param>
/// <param name="Tensors">Type and shape of every tensor, by name.</param>
internal sealed record ProbedShapes(InputShape Input, IReadOnlyDictionary<string, TensorInfo> Tensors);
