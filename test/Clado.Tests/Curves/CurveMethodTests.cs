using System.Text.Json;
using Clado.Curves;
using Xunit;

namespace Clado.Tests.Curves;

public class CurveMethodTests
{
    [Fact]
    public void EveryMethodHasOneEntry() => Assert.Equal(Enum.GetValues<CurveMethod>(), CurveMethods.All.Select(info => info.Method));

    /// <summary>JSON, which is written from the enumeration, and CSV, which is written from the table, have the same names.</summary>
    [Fact]
    public void NamesAreThoseOfFiles()
    {
        Assert.Equal(["clado", "diagonal", "uniform"], CurveMethods.All.Select(info => info.Name));
        foreach (var info in CurveMethods.All)
        {
            Assert.Equal($"\"{info.Name}\"", JsonSerializer.Serialize(info.Method, Curve.Json));
            Assert.Same(info, info.Method.Info());
        }
    }

    /// <summary>Points of equal size are sorted by the order of the methods, whatever order they come in.</summary>
    [Fact]
    public void PointsOfASizeAreInTheOrderOfTheMethods()
    {
        var curve = new Curve { ImagesPath = "i", Images = 1, ImagesSha256 = "", Activations = "8", FloatBytes = 9 };
        var points = CurveMethods.All.Reverse().Select(info => new CurvePoint
        {
            Method = info.Method,
            Budget = "1",
            SizeBytes = 1,
            BitsPerWeight = 4,
            Allocation = new Dictionary<string, int> { ["a"] = 4 },
        });
        var sorted = curve.With([.. points]);
        Assert.Equal(CurveMethods.All.Select(info => info.Method), sorted.Points.Select(p => p.Method));
        Assert.Equal(
            ["clado,1,,1,4.0000,,,,,,4,,", "diagonal,1,,1,4.0000,,,,,,4,,", "uniform,1,,1,4.0000,,,,,,4,,"],
            sorted.ToCsv().TrimEnd().Split('\n').Skip(1));
    }
}
