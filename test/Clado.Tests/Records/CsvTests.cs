using Clado.Allocation;
using Clado.Images;
using Clado.Records;
using Clado.Tests.Support;
using CsCheck;
using SkiaSharp;
using Xunit;

namespace Clado.Tests.Records;

public class CsvTests
{
    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        var cell = Gen.Char["a,\"\n\r \tä;"].Array[0, 6].Select(letters => new string(letters));
        Gen.Int[1, 4].SelectMany(columns => cell.Array[columns].Array[1, 5]).Sample(rows =>
        {
            var read = Csv.Read(Csv.Of(rows[0], rows[1..]));
            Assert.Equal(rows, read.Select(row => row.Cells));
        });
    }

    /// <summary>The form of the files that run folders hold, to the byte.</summary>
    [Fact]
    public void CellsAreQuotedWhereTheyMustBe() => Assert.Equal(
        "name,op\n\"a,b\",Conv\n\"say \"\"x\"\"\",\n\"two\nlines\", kept \n",
        Csv.Of(["name", "op"], [["a,b", "Conv"], ["say \"x\"", ""], ["two\nlines", " kept "]]));

    [Theory]
    [InlineData("a,b\r\n\"x\r\ny\",1\r\n\r\nz,2")]
    [InlineData("a,b\n\"x\r\ny\",1\n\nz,2\n")]
    public void EveryLineEndIsOneAndLinesAreThoseOfTheFile(string text)
    {
        var rows = Csv.Read(text);
        Assert.Equal([1, 2, 4, 5], rows.Select(row => row.Line));
        Assert.Equal([false, false, true, false], rows.Select(row => row.IsBlank));
        Assert.Equal(["x\r\ny", "1"], rows[1].Cells);
    }

    [Theory]
    [InlineData("a,b\n\"x,1\ny,2\n", "line 2 ")]
    [InlineData("\"", "line 1 ")]
    [InlineData("a,b\nx,1\ny,\"2", "line 3 ")]
    public void AQuoteThatIsNotClosedIsNamed(string text, string where) =>
        Assert.StartsWith(where, Assert.Throws<InvalidDataException>(() => Csv.Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void NothingIsTooLargeToBeToldClearly()
    {
        Assert.Equal(1_000_000, Csv.Read(new string(',', 999_999) + "\n1\n")[0].Cells.Length);
        var error = Assert.Throws<InvalidDataException>(() => Csv.Read("a\n\"" + new string('x', 20_000_000) + "\"\n"));
        Assert.Contains("line 2 ", error.Message, StringComparison.Ordinal);
    }

    /// <summary>What may stand in a file from anywhere ends in an error that names the file and the line.</summary>
    [Theory]
    [InlineData("\"1.png,1\n2.png,2\n", "line 1 opens a quote")]
    [InlineData("file,class\n1.png\0,1\n", "line 2 has a zero byte")]
    [InlineData("file,class\n1.png,1\n\0\n", "line 3 is '\0'")]
    public void BadListsOfLabelsAreLocated(string text, string problem)
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["set/1.png"], 8, 8, SKColors.Red);
        File.WriteAllText(folder["set/labels.csv"], text);
        var error = Assert.Throws<ImageFormatException>(() => ImageFolder.Open(folder["set"]));
        Assert.Contains($"labels.csv: {problem}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TablesOfAnyProgramAreRead()
    {
        using var folder = new TemporaryFolder();
        Harness.Png(folder["set/a,b.png"], 8, 8, SKColors.Red);
        Harness.Png(folder["set/c,d.png"], 8, 8, SKColors.Red);
        File.WriteAllText(folder["set/labels.csv"], "\uFEFFfile, class\r\n\"a,b.png\", 3\r\nc,d.png,4\r\n");
        Assert.Equal([3, 4], ImageFolder.Open(folder["set"]).Items.Select(i => i.Label!.Value));
        File.WriteAllText(folder["costs.csv"], "\uFEFFlayer, bits, cost\r\n\"a,b\", 4, 7\r\nc,d,2,5\r\n");
        var costs = CostTable.Read(folder["costs.csv"]);
        Assert.Equal([7, 5], (long[])[costs["a,b", 4], costs["c,d", 2]]);
        File.WriteAllText(folder["costs.csv"], "layer,bits,cost\n\"conv,4,7\n");
        Assert.Contains(
            "costs.csv: line 2 ", Assert.Throws<CladoException>(() => CostTable.Read(folder["costs.csv"])).Message,
            StringComparison.Ordinal);
    }
}
