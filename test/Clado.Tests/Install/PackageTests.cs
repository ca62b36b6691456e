using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Install;

/// <summary>What a stranger gets: packages as they are packed, in folders that know nothing of this one.</summary>
public class PackageTests
{
    private static readonly string Configuration =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            ? "Release" : "Debug";

    /// <summary>Contents of the libraries' packages, and the README's example compiled against them.</summary>
    [Fact]
    public void TheLibrariesArePackedWhole()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["Clado.Onnx", "Clado", "Clado.Reports"])
        {
            Dotnet(
                Repository.Root, folder, "pack", $"src/{name}/{name}.csproj", "--no-build", "-c", Configuration, "-o", folder["packages"],
                $"-p:Version={Version}");
            using var package = ZipFile.OpenRead(folder[$"packages/{name}.{Version}.nupkg"]);
            string[] wanted = [$"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml", "README.md", "icon.png"];
            Assert.Empty(wanted.Except(package.Entries.Select(entry => entry.FullName)));
            using var symbols = ZipFile.OpenRead(folder[$"packages/{name}.{Version}.snupkg"]);
            Assert.Contains(symbols.Entries, entry => entry.FullName == $"lib/net10.0/{name}.pdb");
            using var nuspec = package.GetEntry($"{name}.nuspec")!.Open();
            var dependencies = XDocument.Load(nuspec).Descendants().Where(element => element.Name.LocalName == "dependency")
                .Select(element => element.Attribute("id")!.Value).ToArray();
            // What draws is needed by nobody but who draws.
            Assert.Equal(name == "Clado.Reports", dependencies.Any(id => id is "ScottPlot" or "SkiaSharp.HarfBuzz"));
        }
        var example = Regex.Match(
            File.ReadAllText(Path.Combine(Repository.Root, "README.md")), "```csharp\n(?<code>.*?)```", RegexOptions.Singleline);
        Directory.CreateDirectory(folder["user"]);
        File.WriteAllText(folder["user/Program.cs"], "using Clado;\n\n" + example.Groups["code"].Value);
        File.WriteAllText(folder["user/user.csproj"], $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <RestoreAdditionalProjectSources>{folder["packages"]}</RestoreAdditionalProjectSources>
                <RestorePackagesPath>{folder["restored"]}</RestorePackagesPath>
                <RestoreFallbackFolders>{GlobalPackages}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Clado" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        // Nothing of the folder above is looked at.
        File.WriteAllText(folder["user/Directory.Build.props"], "<Project />");
        File.WriteAllText(folder["user/Directory.Packages.props"], "<Project />");
        Dotnet(folder["user"], folder, "build", "-v", "quiet", "-warnaserror");
        Assert.True(File.Exists(folder["user/bin/Debug/net10.0/Clado.Onnx.dll"]));
        Assert.False(File.Exists(folder["user/bin/Debug/net10.0/ScottPlot.dll"]));
    }

    /// <summary>The tool, installed from a folder into an empty home, and run on the sample that it carries.</summary>
    [Fact]
    public void TheToolIsInstalledAndRuns()
    {
        var system = RuntimeInformation.RuntimeIdentifier;
        Assert.SkipUnless(system is "linux-x64" or "linux-arm64" or "win-x64" or "osx-arm64", $"{system} has no package");
        using var folder = new TemporaryFolder();
        // What the library's tests run on stays as it is.
        Dotnet(
            Repository.Root, folder, "pack", "src/Clado.Cli/Clado.Cli.csproj", "-c", Configuration, "-o", folder["packages"],
            $"-p:CladoTool={system}", "-p:BuildProjectReferences=false", "-p:RunAnalyzers=false");
        File.WriteAllText(
            folder["nuget.config"],
            $"""
            <configuration><packageSources><clear /><add key="here" value="{folder["packages"]}" /></packageSources></configuration>
            """);
        Dotnet(
            folder.Path, folder, "tool", "install", "Clado.Tool", "--prerelease", "--tool-path", folder["tools"], "--configfile",
            folder["nuget.config"]);
        var said = Run(folder["tools/clado"], folder.Path, folder, "--version");
        Assert.Contains($", {system}", said, StringComparison.Ordinal);
        var sample = Directory.EnumerateFiles(folder["tools"], "resnet20.onnx", SearchOption.AllDirectories).First();
        var images = Path.Combine(Path.GetDirectoryName(sample)!, "images", "calibration");
        said = Run(
            folder["tools/clado"], folder.Path, folder, "quantize", sample, "--images", images, "--preprocess",
            Path.Combine(Path.GetDirectoryName(sample)!, "preprocessing.json"), "--limit", "16", "--estimator", "diagonal", "--budget",
            "4bit", "-o", "q.onnx");
        Assert.Contains("written: q.onnx", said, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["q.onnx"]));
    }

    private static string Version => "0.0.1-packed";

    private static string GlobalPackages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } given ? given
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static void Dotnet(string where, TemporaryFolder home, params string[] arguments) => Run("dotnet", where, home, arguments);

    /// <summary>Runs a program; what the tool's packages are unpacked into is the home's own.</summary>
    private static string Run(string program, string where, TemporaryFolder home, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = where,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Servers that stay behind would keep the pipes open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        if (program != "dotnet" || arguments[0] == "tool")
        {
            (start.Environment["HOME"], start.Environment["DOTNET_CLI_HOME"]) = (home["home"], home["home"]);
            start.Environment["NUGET_PACKAGES"] = home["home/packages"];
            Directory.CreateDirectory(home["home"]);
        }
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}{error.Result}");
        return output;
    }
}
