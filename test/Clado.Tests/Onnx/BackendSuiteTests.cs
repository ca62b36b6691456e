using System.Runtime.InteropServices;
using Clado.Execution;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Xunit;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Onnx;

/// <summary>
/// Every model of the ONNX backend test suite that the runtime runs as it is: read, raised, written, and run again.
/// The suite lies where Debian's package libonnx-testdata puts it, or where CLADO_ONNX_TESTDATA says.
/// </summary>
public class BackendSuiteTests(ITestOutputHelper output)
{
    // The suite's own tolerances.
    private const double Relative = 1e-3, Absolute = 1e-7;

    private static readonly string[] Random = ["Bernoulli", "Multinomial", "RandomNormal",
        "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

    // What cannot be raised to an opset or a later one. The reason is said when such a model is read.
    private static readonly Dictionary<string, (int Opset, string Reason)> Known = new()
    {
        ["test_scan_sum"] = (9, "dropped the batch axis"),
    };

    [Theory]
    [InlineData(OpsetUpgrade.TargetOpset)]
    [InlineData(OpsetUpgrade.EarlierOpset)]
    public void RaisedModelsGiveTheSameOutputs(int opset)
    {
        var folder = Environment.GetEnvironmentVariable("CLADO_ONNX_TESTDATA") is { Length: > 0 } given
            ? given : "/usr/share/libonnx-testdata/data";
        Assert.SkipUnless(Directory.Exists(folder), $"{folder} is not here (Debian package libonnx-testdata)");
        var cases = Directory.EnumerateFiles(folder, "model.onnx", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        var outcomes = new (string Case, string Outcome)[cases.Length];
        Parallel.For(0, cases.Length, i => outcomes[i] = (Path.GetRelativePath(folder, Path.GetDirectoryName(cases[i])!),
            Check(cases[i], opset)));
        foreach (var group in outcomes.GroupBy(o => o.Outcome).OrderByDescending(g => g.Count()))
        {
            var examples = string.Join(", ", group.Take(3).Select(o => o.Case)) + (group.Count() > 3 ? ", …" : "");
            output.WriteLine($"{group.Count(),5}  {group.Key}{(group.Key == Passed ? "" : $"  ({examples})")}");
        }
        var known = outcomes.Where(o => Known.TryGetValue(Path.GetFileName(o.Case), out var k) && opset >= k.Opset).ToArray();
        Assert.All(known, o => Assert.NotEqual(Passed, o.Outcome));
        var failures = outcomes.Except(known).Where(
            o => o.Outcome != Passed && !o.Outcome.StartsWith(NotApplicable, StringComparison.Ordinal)).ToArray();
        Assert.True(failures.Length == 0, string.Join('\n', failures.Select(f => $"{f.Case}: {f.Outcome}")));
        Assert.InRange(outcomes.Count(o => o.Outcome == Passed), 1, outcomes.Length);
    }

    private const string Passed = "passed";
    private const string NotApplicable = "not applicable: ";

    private static string Check(string path, int opset)
    {
        var original = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        if (original.Opset() > opset)
        {
            return NotApplicable + "of a later opset";
        }
        if (original.Graph.Node.FirstOrDefault(n => Random.Contains(n.OpType)) is { } random)
        {
            return $"{NotApplicable}{random.OpType} is random";
        }
        var inputs = new List<(string Name, TensorProto Value)>();
        foreach (var (value, i) in original.Graph.Input.Select((value, i) => (value, i)))
        {
            var file = Path.Combine(Path.GetDirectoryName(path)!, "test_data_set_0", $"input_{i}.pb");
            if (!File.Exists(file))
            {
                break;
            }
            if (value.Type.TensorType is null)
            {
                return NotApplicable + "an input is no tensor";
            }
            inputs.Add((value.Name, TensorProto.Parser.ParseFrom(File.ReadAllBytes(file))));
        }
        if (inputs.Any(i => (DataType)i.Value.DataType == DataType.String || !i.Value.HasRawData))
        {
            return NotApplicable + "an input holds text or nothing";
        }
        Tensor[] expected;
        try
        {
            expected = Run(original, inputs);
        }
        catch (OnnxFormatException)
        {
            return NotApplicable + "the runtime does not run it as it is";
        }
        catch (NotSupportedException e)
        {
            return NotApplicable + e.Message;
        }
        ModelProto raised;
        try
        {
            using var folder = new TemporaryFolder();
            OnnxFile.Write(OpsetUpgrade.Apply(OnnxFile.Read(path), path, opset), folder["raised.onnx"]);
            raised = OnnxFile.Read(folder["raised.onnx"]);
        }
        catch (OnnxFormatException e)
        {
            return "not raised: " + e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
        }
        try
        {
            var actual = Run(raised, inputs);
            return expected.Zip(actual).All(pair => pair.First.Equals(pair.Second))
                && expected.Length == actual.Length ? Passed : "outputs differ";
        }
        catch (OnnxFormatException e)
        {
            return e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
        }
    }

    private static Tensor[] Run(ModelProto model, List<(string Name, TensorProto Value)> inputs)
    {
        using var session = new GraphSession(model, "model.onnx");
        var values = inputs.ToDictionary(i => i.Name, i => Value(i.Value));
        using var outputs = session.Run(name => values[name]);
        var results = outputs.Select(Tensor.Of).ToArray();
        foreach (var value in values.Values)
        {
            value.Dispose();
        }
        return results;
    }

    private static OrtValue Value(TensorProto tensor)
    {
        var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, (TensorElementType)tensor.DataType, [.. tensor.Dims]);
        tensor.RawData.Span.CopyTo(value.GetTensorMutableRawData());
        return value;
    }

    private sealed record Tensor(TensorElementType Type, long[] Shape, byte[] Bytes, double[]? Values)
    {
        public static Tensor Of(OrtValue value)
        {
            if (value.OnnxType != OnnxValueType.ONNX_TYPE_TENSOR
                || value.GetTensorTypeAndShape().ElementDataType == TensorElementType.String)
            {
                throw new NotSupportedException("an output is no tensor of numbers");
            }
            var info = value.GetTensorTypeAndShape();
            var bytes = value.GetTensorMutableRawData().ToArray();
            double[]? values = info.ElementDataType switch
            {
                TensorElementType.Float => [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(v => (double)v)],
                TensorElementType.Double => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
                _ => null,
            };
            return new Tensor(info.ElementDataType, info.Shape, bytes, values);
        }

        public bool Equals(Tensor? other) => other is not null && Type == other.Type && Shape.SequenceEqual(other.Shape)
            && (Values is null ? Bytes.SequenceEqual(other.Bytes) : Values.Zip(other.Values!)
                .All(p => p.First.Equals(p.Second) || Math.Abs(p.First - p.Second) <= Absolute + (Relative * Math.Abs(p.First))));

        public override int GetHashCode() => Bytes.Length;
    }
}
