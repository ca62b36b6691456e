using Clado.Reports;
using Clado.Tests.Support;
using Microsoft.Playwright;
using Xunit;

namespace Clado.Tests.Reports;

/// <summary>The page in a browser: what a person does with it.</summary>
public class BrowserTests
{
    private const string Hostile = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">";

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
