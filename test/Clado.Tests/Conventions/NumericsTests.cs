using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Clado.Cli;
using Clado.Cluster;
using Clado.Graphs;
using Clado.Onnx;
using Clado.Reports;
using Clado.Studio;
using Clado.Tests.Support;
using Google.Protobuf;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>docs/numerics.md has every numeric constant of the programs, and its value.</summary>
public partial class NumericsTests
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private const double ParsedDigits = 1e-12;

    private static readonly string Document = File.ReadAllText(Path.Combine(Repository.Root, "docs/numerics.md"));

    private static readonly Assembly[] Programs =
        [typeof(OnnxFile).Assembly, typeof(Graph).Assembly, typeof(Report).Assembly, Studio, typeof(Worker).Assembly, typeof(App).Assembly];

    /// <summary>Its types can be looked at where ASP.NET Core can be loaded.</summary>
    private static Assembly Studio
    {
        get
        {
            SharedFramework.Use();
            return typeof(StudioHost).Assembly;
        }
    }

    private static readonly ILookup<string, Type> Types =
        Programs.SelectMany(assembly => assembly.GetTypes()).Where(type => !IsGenerated(type)).ToLookup(type => type.Name.Split('`')[0]);

    [Fact]
    public void TheDocumentSaysWhatIs() => Assert.Empty(Differences(Document));

    /// <summary>The look finds what it is meant to find.</summary>
    [Theory]
    [InlineData("FeedbackRounding.Damping` | `0.01`", "FeedbackRounding.Damping` | `0.02`", "FeedbackRounding.Damping is 0.01, not 0.02")]
    [InlineData("FeedbackRounding.Damping`", "Feedback.Damping`", "no constant Feedback.Damping", "FeedbackRounding.Damping has no row")]
    [InlineData("RunLimit.DefaultTimeout` | `5 min`", "RunLimit.DefaultTimeout` | `5 s`", "RunLimit.DefaultTimeout is 300, not 5")]
    [InlineData("TargetSearch.Tolerance` | `1/256`", "TargetSearch.Tolerance` | small", "TargetSearch.Tolerance: no value in 'small'")]
    [InlineData("RunLimit.Enter` (literal)", "RunLimits.Enter` (literal)", "no type of RunLimits.Enter")]
    [InlineData("Checksums.Digits`", "Safetensors.LongestHeaderBytes`", "Safetensors.LongestHeaderBytes has 2 rows")]
    public void ADifferenceIsFound(string written, string wrong, params string[] found)
    {
        Assert.Contains(written, Document);
        var differences = Differences(Document.Replace(written, wrong, StringComparison.Ordinal));
        Assert.All(found, expected => Assert.Contains(expected, differences));
    }

    private static List<string> Differences(string document)
    {
        var rows = Rows(document).ToLookup(row => row.IsLiteral);
        var (named, literals, constants) = (rows[false].ToList(), rows[true], Constants());
        return
        [
            .. named.Select(row => Difference(row, constants)).OfType<string>(),
            .. literals.Where(row => !Types.Contains(row.Name.Split('.')[0])).Select(row => $"no type of {row.Name}"),
            .. named.CountBy(row => row.Name).Where(name => name.Value > 1).Select(name => $"{name.Key} has {name.Value} rows"),
            .. constants.Keys.Except(named.Select(row => row.Name)).Select(name => $"{name} has no row"),
        ];
    }

    private static string? Difference(Row row, Dictionary<string, double> constants) =>
        !constants.TryGetValue(row.Name, out double real) ? $"no constant {row.Name}"
        : Value(row.Value) is not { } said ? $"{row.Name}: no value in '{row.Value}'"
        : Math.Abs(said - real) > ParsedDigits * Math.Abs(real) ? FormattableString.Invariant($"{row.Name} is {real}, not {said}")
        : null;

    private static IEnumerable<Row> Rows(string document) =>
        document.Split('\n').Select(line => RowPattern().Match(line)).Where(match => match.Success)
            .Select(match => new Row(match.Groups["name"].Value, match.Groups["literal"].Success, match.Groups["value"].Value));

    /// <summary>Numbers and times that have names, by type and name; seconds of times.</summary>
    private static Dictionary<string, double> Constants() => Types.SelectMany(types => types).Where(type => !type.IsEnum)
        .SelectMany(type => type.GetFields(Own))
        .Where(field => field.IsLiteral ? IsNumber(field.FieldType) : field.IsInitOnly && field.FieldType == typeof(TimeSpan))
        .ToDictionary(field => $"{field.DeclaringType!.Name.Split('`')[0]}.{field.Name}", Number);

    private static double Number(FieldInfo field) => field.IsLiteral
        // A float has few digits: it is what they say.
        ? double.Parse(Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)!, CultureInfo.InvariantCulture)
        : ((TimeSpan)field.GetValue(null)!).TotalSeconds;

    /// <summary>The number that a cell begins with: a power, a fraction, bytes or a time among them.</summary>
    private static double? Value(string cell)
    {
        var match = ValuePattern().Match(cell);
        if (!match.Success)
        {
            return null;
        }
        double Group(string name, double otherwise) =>
            match.Groups[name] is { Success: true } group ? double.Parse(group.Value, CultureInfo.InvariantCulture) : otherwise;
        return Math.Pow(Group("number", 0), Group("power", 1)) / Group("divisor", 1) * match.Groups["unit"].Value switch
        {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "ms" => 1e-3,
            "min" => 60,
            "d" => 86_400,
            _ => 1,
        };
    }

    private static bool IsNumber(Type type) => type.IsPrimitive && type != typeof(bool) && type != typeof(char);

    private static bool IsGenerated(Type type) => type.Name.Contains('<') || type.GetInterface(nameof(IMessage)) is not null
        || type.Name.EndsWith("Reflection", StringComparison.Ordinal) || (type.DeclaringType is { } outer && IsGenerated(outer));

    [GeneratedRegex(@"^\| `(?<name>\w+\.\.?\w+)`(?<literal> \(literal\))? \| (?<value>([^|\\]|\\.)*?) \|")]
    private static partial Regex RowPattern();

    [GeneratedRegex(@"^`(?<number>-?[\d.]+(e-?\d+)?)(\^(?<power>-?\d+))?(/(?<divisor>\d+))?( (?<unit>KiB|MiB|ms|s|min|d))?`")]
    private static partial Regex ValuePattern();

    private sealed record Row(string Name, bool IsLiteral, string Value);
}
