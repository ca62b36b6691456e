using Microsoft.Playwright;
using Xunit;

namespace Clado.Tests.Support;

/// <summary>A page opened in a browser, and what it complains of and asks for.</summary>
internal sealed class Visit : IAsyncDisposable
{
    // Chromium's own sandbox does not start for root, as which containers run; and nothing is asked of any network.
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private readonly IPlaywright playwright;
    private readonly IBrowser browser;

    private Visit(IPlaywright playwright, IBrowser browser, IPage page, string address)
    {
        (this.playwright, this.browser, Page, Address) = (playwright, browser, page, address);
        page.Console += (_, message) => Complaints.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => Complaints.Add(error);
        page.Request += (_, request) => Requests.Add(request.Url);
    }

    // What a project's own npm has, or a folder that CI fills; axe is not ours to carry.
    private static string Axe => Environment.GetEnvironmentVariable("CLADO_AXE")
        ?? Path.Combine(Repository.Root, "artifacts/npm/node_modules/axe-core/axe.min.js");

    public IPage Page { get; }

    public string Address { get; }

    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    /// <summary>Opens a file or an address; skips the calling test where there is no browser.</summary>
    public static async Task<Visit> To(string place, int width, int height, ColorScheme scheme)
    {
        var chromium = Environment.GetEnvironmentVariable("CLADO_CHROMIUM") ?? "/usr/bin/chromium";
        Assert.SkipUnless(File.Exists(chromium), $"{chromium} is not here (CLADO_CHROMIUM names the browser)");
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = Arguments });
        var context = await browser.NewContextAsync(
            new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme });
        var visit = new Visit(playwright, browser, await context.NewPageAsync(), new Uri(place).AbsoluteUri);
        await visit.Page.GotoAsync(visit.Address);
        return visit;
    }

    /// <summary>What axe finds that is serious or worse; skips the calling test where axe is not here.</summary>
    public async Task<string[]> SeriousFaults()
    {
        Assert.SkipUnless(File.Exists(Axe), $"{Axe} is not here (npm install --prefix artifacts/npm axe-core; CLADO_AXE names the file)");
        await Page.EvaluateAsync(await File.ReadAllTextAsync(Axe));
        return await Page.EvaluateAsync<string[]>(
            "axe.run().then(result => result.violations.filter(fault => ['serious', 'critical'].includes(fault.impact))"
                + ".map(fault => `${fault.id}: ${fault.nodes.map(node => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`))");
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }
}
