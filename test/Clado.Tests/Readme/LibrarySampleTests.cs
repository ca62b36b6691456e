using System.Diagnostics;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Clado.Tests.Readme;

/// <summary>The programs of samples/library, compiled and run as they lie there.</summary>
public class LibrarySampleTests
{
    [Fact]
    public void AModelOfASizeInTenLines()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = Run(folder, "quantize", "3bit", folder["q.onnx"]);
        Assert.Equal((0, ""), (code, error));
        var size = FormattableString.Invariant($"{new FileInfo(folder["q.onnx"]).Length} bytes, ");
        Assert.StartsWith(size, output, StringComparison.Ordinal);
        Assert.Matches(@"loss increase -?\d\.\d{4}", output);
        (code, output, error) = Run(folder, "quantize", "100", folder["none.onnx"]);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("the smallest file is", error, StringComparison.Ordinal);
        Assert.InRange(Lines("quantize").Count(line => line.Length > 0 && !line.StartsWith('#') && !line.StartsWith('/')), 1, 18);
    }

    [Fact]
    public void AMetricOfOnesOwn()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = Run(folder, "own-metric", "3bit");
        Assert.Equal((0, ""), (code, error));
        string[] names = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':')[0])];
        Assert.Equal(["diagonal", "error-times-work", "random"], names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ACurveInADatabase()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = Run(folder, "sweep-to-sqlite", "8bit,4bit,100", folder["curve.sqlite"]);
        Assert.Equal(0, code);
        Assert.Contains("the smallest file is", error, StringComparison.Ordinal);
        Assert.Matches(@"^\d+ points; the smallest that agrees with FP32 on 90 %: \d+ bytes", output);
        using var database = new SqliteConnection($"Data Source={folder["curve.sqlite"]};Pooling=False");
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "SELECT count(*) FROM points WHERE method = 'Clado'";
        Assert.Equal(2L, command.ExecuteScalar());
    }

    private static string[] Lines(string name) => File.ReadAllLines(Path.Combine(Repository.Root, $"samples/library/{name}.cs"));

    /// <summary>Runs a program on a small classifier and images; gives exit code, standard output and standard error.</summary>
    private static (int Code, string Output, string Error) Run(TemporaryFolder folder, string name, params string[] more)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["m.onnx"]);
        string[] arguments = [folder["m.onnx"], Harness.Images(folder, "images", 2), "unit", .. more];
        // Beside the libraries, which it is run with.
        var program = Path.Combine(AppContext.BaseDirectory, $"sample-{name}-{Guid.NewGuid():N}.dll");
        Compile(name, program);
        try
        {
            string Beside(string file) => Path.Combine(AppContext.BaseDirectory, $"Clado.Tests.{file}");
            var start = new ProcessStartInfo("dotnet",
                ["exec", "--depsfile", Beside("deps.json"), "--runtimeconfig", Beside("runtimeconfig.json"), program, .. arguments])
            {
                WorkingDirectory = folder.Path,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output.ReplaceLineEndings("\n"), error.Result);
        }
        finally
        {
            File.Delete(program);
        }
    }

    /// <summary>Lines that tell dotnet run where the library is say nothing to a compiler that is told.</summary>
    private static void Compile(string name, string program)
    {
        const string Usings = "global using System; global using System.Collections.Generic; global using System.Linq;";
        var source = string.Join('\n', Lines(name).Where(line => !line.StartsWith('#')));
        var paths = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            name.Replace('-', '_'), [CSharpSyntaxTree.ParseText(source), CSharpSyntaxTree.ParseText(Usings)],
            paths.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        Assert.Empty(compilation.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning));
        Assert.True(compilation.Emit(program).Success);
    }
}
