using Clado.Comparisons;
using Clado.Reports;
using Clado.Tests.Support;
using Microsoft.Playwright;
using Xunit;

namespace Clado.Tests.Reports;

/// <summary>The page in a browser: what a person does with it.</summary>
public class BrowserTests
{
    private const string Hostile = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">";

    [Fact]
    public async Task MetricsHaveACurveEachAndAMapOfTheirBits()
    {
        using var folder = new TemporaryFolder();
        string[] names = [.. Enumerable.Range(1, 9).Select(i => $"conv{i}")];
        var run = SyntheticRun.Write(folder["run"], names);
        await using (var before = await Visit.To(Write(folder), 1280, 900, ColorScheme.Light))
        {
            Assert.False(await before.Page.IsVisibleAsync("#comparison"));
        }
        ComparisonRow Row(string metric, string budget, double loss, int bits) => new()
        {
            Metric = metric,
            Budget = budget,
            SizeBytes = 1000 * bits,
            BitsPerWeight = bits,
            Loss = loss,
            LossStandardError = 0.001,
            Regret = 0,
            RegretStandardError = 0,
            WithinNoise = metric == "fit",
            Passes = 3,
            Seconds = 1,
            LayersDiffering = 0,
            Allocation = [.. names.Select(_ => bits)],
        };
        run.WriteComparison(new Comparison
        {
            ImagesPath = "/images",
            Images = 512,
            ImagesSha256 = new string('2', 64),
            Activations = "float",
            Loss = "kl",
            Layers = names,
            Budgets = ["2bit", "4bit"],
            Metrics =
            [
                new("fit", "", "FIT") { MeanRegret = 0 }, new(Hostile, "", "a baseline") { MeanRegret = 0.5 },
                new("hawq", "", "HAWQ") { Problem = "it wants gradients" },
            ],
            Rows = [Row("fit", "2bit", 0.1, 2), Row(Hostile, "2bit", 0.2, 3), Row("fit", "4bit", 0.02, 4), Row(Hostile, "4bit", 0.01, 8)],
        });
        await using var visit = await Visit.To(Write(folder), 390, 844, ColorScheme.Dark);
        var page = visit.Page;
        Assert.Equal(2, await page.Locator("#comparison-chart polyline").CountAsync());
        Assert.Equal(9, await page.Locator("#comparison-map rect.bits2").CountAsync());
        Assert.Equal(9, await page.Locator("#comparison-map rect.bits3").CountAsync());
        Assert.StartsWith("fit", await page.Locator("#comparison-map text").First.TextContentAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await page.Locator("#comparison-ranking circle.near").CountAsync());
        await page.SelectOptionAsync("#comparison-budget", "4bit");
        // The one of least loss is on top.
        Assert.Equal(Hostile, await page.Locator("#comparison-map text title").First.TextContentAsync());
        Assert.Equal(9, await page.Locator("#comparison-map rect.bits8").CountAsync());
        Assert.Contains("fit in front", await page.InnerTextAsync("#comparison-caption"), StringComparison.Ordinal);
        await page.SelectOptionAsync("#comparison-metric", "1");
        Assert.Contains("4bit 0.0100 ± 0.0010", await page.InnerTextAsync("#comparison-caption"), StringComparison.Ordinal);
        Assert.Contains("it wants gradients", await page.InnerTextAsync("#comparison-problems"), StringComparison.Ordinal);
        Assert.Equal("gone: size and accuracy", await page.TitleAsync());
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
    }

    [Theory]
    [InlineData(390, 844, ColorScheme.Light)]
    [InlineData(1280, 900, ColorScheme.Dark)]
    public async Task TheSliderShowsTheBitsOfEveryLayerAndNothingIsLoaded(int width, int height, ColorScheme scheme)
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], [.. Enumerable.Range(1, 30).Select(i => $"conv{i}"), Hostile]);
        await using var visit = await Visit.To(Write(folder), width, height, scheme);
        var page = visit.Page;

        // The slider goes along the curve by keyboard; text, bars and table follow.
        await page.FocusAsync("#point");
        await page.Keyboard.PressAsync("Home");
        var first = await page.InnerTextAsync("#point-text");
        var narrow = await BitsInTable(page);
        Assert.Contains(2, narrow);
        await page.Keyboard.PressAsync("End");
        Assert.NotEqual(first, await page.InnerTextAsync("#point-text"));
        Assert.All(await BitsInTable(page), bits => Assert.Equal(8, bits));
        Assert.Equal(31, await page.Locator("#strip .b8").CountAsync());
        Assert.Equal(0, await page.Locator("#strip .b2").CountAsync());
        Assert.StartsWith("conv1: 8 bits", await page.Locator("#strip button").First.InnerTextAsync(), StringComparison.Ordinal);
        await page.Keyboard.PressAsync("Home");
        Assert.Equal(first, await page.InnerTextAsync("#point-text"));
        Assert.Equal(narrow, await BitsInTable(page));
        Assert.Matches(@"^[\d,]+ bytes$", await page.GetAttributeAsync("#point", "aria-valuetext"));

        // All points, and the choice of what is shown.
        Assert.Equal(60, await page.Locator("#points tbody tr").CountAsync());
        var caption = await page.InnerTextAsync("#curve-caption");
        await page.CheckAsync("input[value=measuredLoss]");
        Assert.NotEqual(caption, await page.InnerTextAsync("#curve-caption"));

        // The heat map by keyboard and by pointer.
        await page.FocusAsync("#heat");
        await page.Keyboard.PressAsync("ArrowDown");
        Assert.Contains("conv2 and conv1: together they lose", await page.InnerTextAsync("#heat-text"), StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\de[-+−]?\d", await page.InnerTextAsync("main"));
        await page.SelectOptionAsync("#heat-width", "3");
        await page.Locator("#heat").HoverAsync(new() { Position = new() { X = 2, Y = 2 } });
        Assert.Contains("conv1:", await page.InnerTextAsync("#heat-text"), StringComparison.Ordinal);

        // A hostile name is text, where the names are.
        Assert.Equal(Hostile, await page.Locator("#layer-table tbody tr:last-child th span").GetAttributeAsync("title"));
        Assert.Equal("gone: size and accuracy", await page.TitleAsync());
        Assert.Equal(0, await page.Locator("img").CountAsync());

        // No side-scrolling of the page itself, and it was quiet.
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(visit.Complaints);
        Assert.Equal([visit.Address], visit.Requests);
    }

    /// <summary>The first screen: figures with their errors, what is beside, and one layer on click and by keyboard.</summary>
    [Fact]
    public async Task TheFirstScreenIsTheAnswer()
    {
        using var folder = new TemporaryFolder();
        string[] names = [.. Enumerable.Range(0, 12).Select(i => $"/body/stage{i / 4}/stage{i / 4}.{i % 4 / 2}/conv{i % 2}/Conv")];
        SyntheticRun.Write(folder["run"], names);
        await using var visit = await Visit.To(Write(folder), 1280, 900, ColorScheme.Light);
        var page = visit.Page;
        // The smallest network that loses at most a point is where it starts.
        Assert.Matches(@"^Size\s+[\d,]+ bytes", await page.Locator("#figures > div").First.InnerTextAsync());
        Assert.Matches(
            @"89\.\d\d ± 0\.\d\d %\s+FP32 90\.0 %; −0\.\d\d ± 0\.50 points",
            await page.Locator("#figures > div").Nth(1).InnerTextAsync());
        Assert.Equal(
            ["Diagonal", "Uniform 3 bits"],
            (await page.Locator("#beside tbody th").AllInnerTextsAsync()).Where(name => name is not ("Smaller" or "Larger")).Take(2));
        Assert.Contains("loses 1.00 ± 0.10 more", await page.InnerTextAsync("#beside"), StringComparison.Ordinal);
        var size = await page.Locator("#figures strong").First.InnerTextAsync();
        await page.ClickAsync("text=Smaller");
        Assert.NotEqual(size, await page.Locator("#figures strong").First.InnerTextAsync());
        Assert.Equal("Smaller", await page.EvaluateAsync<string>("document.activeElement.textContent"));

        // Blocks by their names; where the run does not know them, of what the names say.
        Assert.Equal("stage0.0", await page.Locator("#strip .block").First.GetAttributeAsync("aria-label"));
        Assert.Equal(6, await page.Locator("#strip .block").CountAsync());
        await page.Locator("#strip button").First.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("Enter");
        Assert.Equal("/body/stage0/stage0.0/conv1/Conv", await page.Locator("#layer-panel h2").TextContentAsync());
        Assert.Equal(4, await page.Locator("#layer-panel tbody tr").CountAsync());
        await page.Keyboard.PressAsync("Tab");
        await page.Locator("#layer-panel button").FocusAsync();
        await page.Keyboard.PressAsync("Escape");
        Assert.False(await page.IsVisibleAsync("#layer-panel"));
        Assert.Contains("stage0.0/conv1", await page.EvaluateAsync<string>("document.activeElement.textContent"), StringComparison.Ordinal);
        Assert.Empty(visit.Complaints);
    }

    /// <summary>No side-scroll, no label outside its chart, no fault that axe takes for serious.</summary>
    [Theory]
    [InlineData(22, 390, ColorScheme.Light)]
    [InlineData(22, 1280, ColorScheme.Dark)]
    [InlineData(200, 390, ColorScheme.Dark)]
    [InlineData(200, 1280, ColorScheme.Light)]
    public async Task ManyLayersFitAnyWindow(int layers, int width, ColorScheme scheme)
    {
        using var folder = new TemporaryFolder();
        string[] names = [.. Enumerable.Range(0, layers).Select(i => $"/net/stage{i / 50}/stage{i / 50}.{i / 2}/conv{i % 2}/Conv")];
        SyntheticRun.Write(folder["run"], names, profiles: true);
        await using var visit = await Visit.To(Write(folder), width, 900, scheme);
        await visit.Page.Locator("#strip button").First.ClickAsync();
        Assert.Equal(width, await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(await visit.Page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('.chart svg text')].filter(t => { const own = t.getBoundingClientRect(), "
                + "all = t.ownerSVGElement.getBoundingClientRect(); return own.left < all.left - 1 || own.right > all.right + 1; })"
                + ".map(t => t.textContent)"));
        Assert.Empty(visit.Complaints);
        Assert.Empty(await visit.SeriousFaults());
    }

    [Fact]
    public async Task ARunWithoutABudgetSaysSo()
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], ["conv1", "conv2"], points: 0);
        await using var visit = await Visit.To(Write(folder), 390, 844, ColorScheme.Dark);
        Assert.True(await visit.Page.Locator("#curve-none").IsVisibleAsync());
        Assert.False(await visit.Page.Locator("#answer").IsVisibleAsync());
        Assert.Equal(2, await visit.Page.Locator("#layer-table tbody tr").CountAsync());
        Assert.Empty(visit.Complaints);
    }

    private static string Write(TemporaryFolder folder)
    {
        Report.Read(folder["run"]).Write(folder["page.html"]);
        return folder["page.html"];
    }

    private static async Task<int[]> BitsInTable(IPage page) =>
        [.. (await page.Locator("#layer-table tbody tr td:nth-child(2)").AllInnerTextsAsync()).Select(int.Parse)];
}
