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
        await page.SelectOptionAsync("#comparison-budget", "4bit");
        // The one of least loss is on top.
        Assert.Equal(Hostile, await page.Locator("#comparison-map text").First.TextContentAsync());
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
        Assert.Equal(31, await page.Locator("#bars rect.bits8").CountAsync());
        Assert.Equal(0, await page.Locator("#bars rect.bits2").CountAsync());
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
        await page.SelectOptionAsync("#heat-width", "3");
        await page.Locator("#heat").HoverAsync(new() { Position = new() { X = 2, Y = 2 } });
        Assert.Contains("conv1:", await page.InnerTextAsync("#heat-text"), StringComparison.Ordinal);

        // A hostile name is text, where the names are.
        Assert.Equal(Hostile, await page.Locator("#layer-table tbody tr:last-child th").TextContentAsync());
        Assert.Equal("gone: size and accuracy", await page.TitleAsync());
        Assert.Equal(0, await page.Locator("img").CountAsync());

        // No side-scrolling of the page itself, every control has a name, and it was quiet.
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(await page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('input, select, canvas, svg, [tabindex]')].filter(e => !(e.labels?.length || "
                + "e.getAttribute('aria-label') || e.ariaHidden || e.tagName === 'PRE')).map(e => e.outerHTML.slice(0, 80))"));
        Assert.Empty(visit.Complaints);
        Assert.Equal([visit.Address], visit.Requests);
    }

    [Fact]
    public async Task ARunWithoutABudgetSaysSo()
    {
        using var folder = new TemporaryFolder();
        SyntheticRun.Write(folder["run"], ["conv1", "conv2"], points: 0);
        await using var visit = await Visit.To(Write(folder), 390, 844, ColorScheme.Dark);
        Assert.True(await visit.Page.Locator("#curve-none").IsVisibleAsync());
        Assert.False(await visit.Page.Locator("#curve-body").IsVisibleAsync());
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

    /// <summary>A page opened from disk, and what it complains of and asks for.</summary>
    private sealed class Visit : IAsyncDisposable
    {
        private readonly IPlaywright playwright;
        private readonly IBrowser browser;

        private Visit(IPlaywright playwright, IBrowser browser, IPage page, string address)
        {
            (this.playwright, this.browser, Page, Address) = (playwright, browser, page, address);
            page.Console += (_, message) => Complaints.Add($"{message.Type}: {message.Text}");
            page.PageError += (_, error) => Complaints.Add(error);
            page.Request += (_, request) => Requests.Add(request.Url);
        }

        public IPage Page { get; }

        public string Address { get; }

        public List<string> Complaints { get; } = [];

        public List<string> Requests { get; } = [];

        /// <summary>Opens a file; skips the calling test where there is no browser.</summary>
        public static async Task<Visit> To(string file, int width, int height, ColorScheme scheme)
        {
            var chromium = Environment.GetEnvironmentVariable("CLADO_CHROMIUM") ?? "/usr/bin/chromium";
            Assert.SkipUnless(File.Exists(chromium), $"{chromium} is not here (CLADO_CHROMIUM names the browser)");
            var playwright = await Playwright.CreateAsync();
            // Chromium's own sandbox does not start for root, as which containers run.
            var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox"] });
            var context = await browser.NewContextAsync(
                new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme });
            var visit = new Visit(playwright, browser, await context.NewPageAsync(), new Uri(file).AbsoluteUri);
            await visit.Page.GotoAsync(visit.Address);
            return visit;
        }

        public async ValueTask DisposeAsync()
        {
            await browser.DisposeAsync();
            playwright.Dispose();
        }
    }
}
