using System.Reflection;
using System.Text.RegularExpressions;
using Clado.Cli;
using Clado.Cli.Output;
using Clado.Cluster;
using Clado.Onnx;
using Clado.Reports;
using Clado.Studio;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Conventions;

/// <summary>Messages of the library name its settings as its users know them; the command line says its own words instead.</summary>
public class MessageTests
{
    private static readonly string[] Named =
        [.. typeof(Settings).GetFields().Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal)];

    /// <summary>Commands of a report that show how it came about are what the page is for.</summary>
    private static readonly string[] Commands = ["Reproduction.cs"];

    [Fact]
    public void TheLibraryKnowsNoOptions()
    {
        var option = new Regex(
            @"""[^""\n]*(?<![\w-])(--[a-z]|-o\b)|clado (measure|allocate|export|quantize|sweep|evaluate|report|inspect)\b");
        string[] roots = ["src/Clado", "src/Clado.Onnx", "src/Clado.Reports", "src/Clado.Cluster"];
        var files = roots.Select(root => Path.Combine(Repository.Root, root))
            .SelectMany(root => Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !Commands.Contains(Path.GetFileName(file))).ToArray();
        Assert.NotEmpty(files);
        static bool IsCode(string line) => !line.TrimStart().StartsWith("//", StringComparison.Ordinal);
        Assert.All(files, file => Assert.DoesNotContain(File.ReadLines(file).Where(IsCode), line => option.IsMatch(line)));
    }

    [Fact]
    public void WhatMessagesNameIsThere()
    {
        const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
        Assembly[] libraries =
        [
            typeof(Pipeline).Assembly, typeof(OnnxFile).Assembly, typeof(Report).Assembly, typeof(Worker).Assembly,
            typeof(StudioHost).Assembly,
        ];
        var types = libraries.SelectMany(library => library.GetExportedTypes()).ToLookup(type => type.Name);
        Assert.All(Named, name =>
        {
            var (type, member) = (name.Split('.')[0], name.Split('.')[1]);
            Assert.NotEmpty(Assert.Single(types[type]).GetMember(member, Public));
        });
    }

    [Fact]
    public void TheCommandLineHasAWordForEach()
    {
        Assert.Equal(Named, Words.Options.Keys.Order(StringComparer.Ordinal));
        var root = App.Create(new Terminal(TextWriter.Null, TextWriter.Null));
        string[] known = [.. root.Subcommands.SelectMany(verb => verb.Options.Select(o => o.Name).Append($"clado {verb.Name}"))];
        Assert.All(Words.Options.Values, word => Assert.Contains(word, known));
    }

    [Fact]
    public void AMessageIsTranslatedWhole() =>
        Assert.Equal(
            "--limit 0: at least 1 image is needed; clado measure makes it again, see --budgets and --budget",
            Words.Of($"{Settings.Limit} 0: at least 1 image is needed; {Settings.Measure} makes it again, "
                + $"see {Settings.Budgets} and {Settings.Budget}"));
}
