using System.Text.RegularExpressions;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Onnx.Upgrade;
using Clado.Tests.Support;
using Xunit;
using Xunit.Sdk;
using static Clado.Onnx.NodeExtensions;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Gradients;

/// <summary>
/// The ONNX backend test suite: which of its operators have rules, and the gradients of its cases by all their float inputs.
/// It lies where Debian's package libonnx-testdata puts it, or where CLADO_ONNX_TESTDATA says.
/// </summary>
public partial class SuiteGradientTests(ITestOutputHelper output)
{
    private const string Passed = "passed", NotApplicable = "not applicable: ";

    // Inputs that are numbers, and of which outputs are steps: nobody trains them.
    private static readonly HashSet<(string Op, int Slot)> Fixed =
        [("Resize", 1), ("Resize", 2), ("Upsample", 1), ("Dropout", 1), ("QuantizeLinear", 1), ("QuantizeLinear", 0), ("Compress", 1)];

    // Their numbers lie at a kink or jump, or so near that a difference passes it, where no function is, or where floats are coarse.
    private static readonly HashSet<string> AtKinks =
    [
        "test_MaxPool1d", "test_MaxPool1d_stride_padding_dilation", "test_MaxPool2d_stride_padding_dilation", "test_acosh_example",
        "test_cast_FLOAT_to_BFLOAT16", "test_castlike_FLOAT_to_BFLOAT16_expanded",
        "test_castlike_STRING_to_FLOAT", "test_elu_example", "test_floor_example", "test_hardmax_axis_1", "test_hardmax_one_hot",
        "test_leakyrelu_example", "test_logsoftmax_large_number", "test_logsoftmax_large_number_expanded", "test_operator_pow",
        "test_operator_sqrt", "test_pow", "test_reduce_min_default_axes_keepdims_example", "test_round", "test_selu_example", "test_sign",
        "test_sign_model", "test_softmax_large_number", "test_softmax_large_number_expanded", "test_thresholdedrelu_example",
    ];

    [Fact]
    public void OperatorsWithRulesAreThoseOfTheDocument()
    {
        var cases = Cases();
        var operators = cases.SelectMany(path => GraphWalk.AtEveryDepth(Model(path).Graph.Node)).Where(node => node.IsStandard())
            .Select(node => node.OpType).Distinct().Order(StringComparer.Ordinal).ToArray();
        string[] with = [.. operators.Intersect(GradientRules.Operators)], flat = [.. operators.Intersect(GradientRules.FlatOperators)];
        string[] without = [.. operators.Except(with).Except(flat)];
        output.WriteLine($"{operators.Length} operators, {with.Length} with a rule, {flat.Length} flat");
        output.WriteLine($"with: {Names(with)}\nflat: {Names(flat)}\nwithout: {Names(without)}");
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs/gradients.md"));
        Assert.Equal(Names(with), Listed(document, "With a rule"));
        Assert.Equal(Names(flat), Listed(document, "Flat"));
        Assert.Equal(Names(without), Listed(document, "Without"));
    }

    [Fact]
    public void CasesHaveTheGradientsOfDifferences()
    {
        var cases = Cases();
        var outcomes = new (string Case, string Outcome)[cases.Length];
        Parallel.For(0, cases.Length, i => outcomes[i] = (Path.GetFileName(Path.GetDirectoryName(cases[i])!), Check(cases[i])));
        foreach (var group in outcomes.GroupBy(o => o.Outcome).OrderByDescending(g => g.Count()))
        {
            var examples = string.Join(", ", group.Take(3).Select(o => o.Case)) + (group.Count() > 3 ? ", …" : "");
            output.WriteLine($"{group.Count(),5}  {group.Key}{(group.Key == Passed ? "" : $"  ({examples})")}");
        }
        var failures = outcomes.Where(o => o.Outcome != Passed && !o.Outcome.StartsWith(NotApplicable, StringComparison.Ordinal));
        Assert.Empty(failures.Select(f => $"{f.Case}: {f.Outcome}"));
        Assert.InRange(outcomes.Count(o => o.Outcome == Passed), 1, outcomes.Length);
    }

    private static string[] Cases()
    {
        var folder = Environment.GetEnvironmentVariable("CLADO_ONNX_TESTDATA") is { Length: > 0 } given
            ? given : "/usr/share/libonnx-testdata/data";
        Assert.SkipUnless(Directory.Exists(folder), $"{folder} is not here (Debian package libonnx-testdata)");
        return [.. Directory.EnumerateFiles(folder, "model.onnx", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    private static ModelProto Model(string path) => ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));

    private static string Names(IEnumerable<string> operators) => string.Join(", ", operators);

    private static string Listed(string document, string title) =>
        Whitespace().Replace(
            Regex.Match(document, $@"^{title} \(\d+\):\s+(?<list>[^.]+)\.", RegexOptions.Multiline).Groups["list"].Value, " ");

    private static string Check(string path)
    {
        if (AtKinks.Contains(Path.GetFileName(Path.GetDirectoryName(path)!)))
        {
            return NotApplicable + "at a kink";
        }
        try
        {
            var (model, weights) = Differentiable(OpsetUpgrade.Apply(OnnxFile.Read(path), path), Path.GetDirectoryName(path)!);
            if (weights.Length == 0)
            {
                return NotApplicable + "no float input";
            }
            if (model.Graph.Node.Any(node => node.OpType.StartsWith("Random", StringComparison.Ordinal) || node.Is("Bernoulli")))
            {
                return NotApplicable + "random";
            }
            var graph = Graph.FromModel(model, "case.onnx");
            if (!graph.Outputs.Any(name => graph.Tensors.TryGetValue(name, out var info) && info.Type == DataType.Float))
            {
                return NotApplicable + "no float output";
            }
            Differences.Check(model, weights, 0.004, relative: 0.02);
            return Passed;
        }
        catch (XunitException e)
        {
            return e.Message;
        }
        catch (OnnxFormatException e) when (e.InnerException is not null || !e.Message.Contains("gradient"))
        {
            return NotApplicable + "not read or run";
        }
        catch (OnnxFormatException e)
        {
            return NotApplicable + e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
        }
    }

    /// <summary>
    /// The model with its inputs as constants. They are added to an image that makes no difference, so that they are not folded.
    /// </summary>
    private static (ModelProto Model, string[] Weights) Differentiable(ModelProto model, string folder)
    {
        var graph = model.Graph;
        if (graph.Node.Any(node => node.Is("LayerNormalization")))
        {
            // Statistics, which have no gradients of their own.
            while (graph.Output.Count > 1)
            {
                graph.Output.RemoveAt(1);
            }
        }
        var weights = new List<string>();
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = 1 });
        List<NodeProto> nodes =
            [Node("Squeeze", ["the image"], "the pixel"), Node("Mul", ["the pixel", "nothing"], "no difference")];
        graph.Initializer.Add(TensorData.Singles("nothing", [0]));
        foreach (var (i, input) in graph.Input.Index().ToArray())
        {
            var file = Path.Combine(folder, "test_data_set_0", $"input_{i}.pb");
            var value = File.Exists(file) && input.Type.TensorType is not null
                ? TensorProto.Parser.ParseFrom(File.ReadAllBytes(file)) : null;
            if (value is null || graph.Initializer.Any(t => t.Name == input.Name))
            {
                continue;
            }
            value.Name = input.Name;
            var readers = graph.Node.SelectMany(node => node.Input.Index().Where(o => o.Item == input.Name)
                .Select(o => (node.OpType, o.Index)));
            if ((DataType)value.DataType == DataType.Float && !readers.Any(Fixed.Contains))
            {
                value.Name = $"{input.Name} as given";
                weights.Add(value.Name);
                nodes.Add(Node("Add", [value.Name, "no difference"], input.Name));
            }
            graph.Initializer.Add(value);
        }
        var inner = graph.Node.ToArray();
        graph.Node.Clear();
        graph.Node.Add([.. nodes, .. inner]);
        graph.Input.Clear();
        graph.Input.Add(new ValueInfoProto
        {
            Name = "the image",
            Type = new TypeProto { TensorType = new() { ElemType = (int)DataType.Float, Shape = shape } },
        });
        return (model, [.. weights]);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
