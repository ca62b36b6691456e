using System.Diagnostics;
using System.Text.Json;
using Clado.Onnx;
using Clado.Tests.Support;
using Microsoft.Playwright;
using Xunit;

namespace Clado.Tests.Studio;

/// <summary>The studio in a browser: what a person does with it.</summary>
public class StudioTests
{
    [Fact]
    public async Task ABudgetIsMovedALayerPinnedAFileWrittenAndComparedAndTheCommandWritesTheSame()
    {
        using var folder = new TemporaryFolder();
        Measure(folder);
        using var studio = StudioProcess.Start(folder["run"], "-o", folder["out"], "--evaluate", folder["test"]);
        await using var visit = await Visit.To(studio.Address, 1280, 900, ColorScheme.Light);
        var page = visit.Page;
        await Settled(page);

        // The slider, by keyboard: the smallest file, and all at 8 bits.
        await page.FocusAsync("#size");
        await page.Keyboard.PressAsync("End");
        await Settled(page);
        Assert.All(await Bits(page), bits => Assert.Equal(8, bits));
        await page.Keyboard.PressAsync("Home");
        await Settled(page);
        Assert.All(await Bits(page), bits => Assert.Equal(2, bits));
        Assert.Contains("Proven", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
        await Ask(page, "#budget", "3bit");
        var free = await Bits(page);
        Assert.InRange(free.Max(), 3, 8);

        // A pin, by keyboard; a width that is forbidden; a limit of bit operations.
        await page.Locator("#strip button").First.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.SelectOptionAsync("#pin-width", "4");
        await Settled(page);
        Assert.Equal(4, (await Bits(page))[0]);
        Assert.Contains("pinned", await page.Locator("#strip button").First.TextContentAsync(), StringComparison.Ordinal);
        await page.UncheckAsync("#widths input[value='8']");
        await Settled(page);
        Assert.DoesNotContain(8, await Bits(page));
        await Ask(page, "#operations", "1k");
        Assert.Contains("a number is wanted", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
        await Ask(page, "#operations", "1");
        Assert.Contains(
            "--max-bitops 1: no choice of these widths keeps it", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
        Assert.True(await page.IsDisabledAsync("#write-button"));
        await Ask(page, "#operations", "");
        Assert.Contains("--pin '*=2,3,4,6' --pin conv_c1=4 --predicted", await page.InnerTextAsync("#command"), StringComparison.Ordinal);
        var first = await Bits(page);

        // Two files, and what the second saves.
        await Write(page, "first.onnx");
        await Ask(page, "#budget", "6bit");
        await Write(page, "second.onnx");
        var rows = page.Locator("#written tbody tr");
        Assert.Equal(2, await rows.CountAsync());
        Assert.Matches(@"^[−\d.]+ ± [\d.]+", await rows.Nth(1).Locator("td").Nth(4).InnerTextAsync());
        Assert.Contains("16 images of", await page.InnerTextAsync("#written-text"), StringComparison.Ordinal);

        // The same by the command that stands beside it.
        var command = (await rows.First.Locator("td").Last.InnerTextAsync()).Replace("'", "", StringComparison.Ordinal);
        string[] words = [.. command.Replace(folder["out"], folder["again"], StringComparison.Ordinal).Split(' ').Skip(1)];
        Assert.Equal(0, Harness.Command(words).Code);
        Assert.Equal(File.ReadAllBytes(folder["out/first.onnx"]), File.ReadAllBytes(folder["again/first.onnx"]));
        var allocated = Harness.Command([.. words.Select(word => word == "export" ? "allocate" : word).SkipLast(2), "--json"]);
        Assert.Equal(first, Widths(allocated.Output));

        // A name that is taken is refused, and the report of the same server knows what was written.
        await page.FillAsync("#name", "first.onnx");
        await page.ClickAsync("#write-button");
        await Assertions.Expect(page.Locator("#write-status")).ToContainTextAsync("is there already");
        await page.FillAsync("#name", "../first.onnx");
        await page.ClickAsync("#write-button");
        await Assertions.Expect(page.Locator("#write-status")).ToContainTextAsync("without a folder");
        await page.GotoAsync(studio.Address + "report");
        Assert.Equal("model: size and accuracy", await page.TitleAsync());
        Assert.Contains("what the run chose last", await page.InnerTextAsync("#point-text"), StringComparison.Ordinal);
        Assert.All(visit.Requests, request => Assert.StartsWith(studio.Address, request, StringComparison.Ordinal));
        Assert.Empty(visit.Complaints);
    }

    [Theory]
    [InlineData(390, ColorScheme.Dark)]
    [InlineData(1280, ColorScheme.Light)]
    public async Task NobodyIsKeptOut(int width, ColorScheme scheme)
    {
        using var folder = new TemporaryFolder();
        Measure(folder);
        using var studio = StudioProcess.Start(folder["run"], "-o", folder["out"]);
        await using var visit = await Visit.To(studio.Address, width, 900, scheme);
        await Settled(visit.Page);
        await visit.Page.Locator("#strip button").Nth(2).ClickAsync();
        Assert.Equal(width, await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Empty(visit.Complaints);
        Assert.Empty(await visit.SeriousFaults());
    }

    /// <summary>Nothing is told to another host's page, to whom the token is missing, or to a page of another site.</summary>
    [Fact]
    public async Task NobodyGetsInFromElsewhere()
    {
        using var folder = new TemporaryFolder();
        Measure(folder);
        using var studio = StudioProcess.Start(folder["run"]);
        using var client = new HttpClient();
        var address = new Uri(studio.Address);
        async Task<int> Status(HttpMethod method, Uri target, Action<HttpRequestMessage>? change = null)
        {
            using var request = new HttpRequestMessage(method, target);
            if (method == HttpMethod.Post)
            {
                request.Content = new StringContent(
                    """{"budget":"3bit","forbidden":[],"pins":{}}""", System.Text.Encoding.UTF8, "application/json");
            }
            change?.Invoke(request);
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }

        var choose = new Uri(address, "choose");
        Assert.Equal(200, await Status(HttpMethod.Get, address));
        Assert.Equal(200, await Status(HttpMethod.Post, choose));
        Assert.Equal(200, await Status(HttpMethod.Post, choose, r => r.Headers.Add("Origin", $"http://127.0.0.1:{address.Port}")));
        Assert.Equal(421, await Status(HttpMethod.Get, address, r => r.Headers.Host = "elsewhere.example"));
        Assert.Equal(421, await Status(HttpMethod.Get, address, r => r.Headers.Host = $"127.0.0.1.elsewhere.example:{address.Port}"));
        Assert.Equal(404, await Status(HttpMethod.Get, new Uri(address, "/")));
        Assert.Equal(404, await Status(HttpMethod.Get, new Uri(address, $"/{new string('0', 32)}/")));
        Assert.Equal(403, await Status(HttpMethod.Post, choose, r => r.Headers.Add("Origin", "http://elsewhere.example")));
        Assert.Equal(403, await Status(HttpMethod.Post, choose, r => r.Content = new StringContent("{}")));
        Assert.Equal(403, await Status(HttpMethod.Delete, choose));
        Assert.Equal(400, await Status(HttpMethod.Post, choose, r => r.Content = Json("{")));
        // Of loopback alone.
        Assert.Equal("127.0.0.1", address.Host);

        // Ctrl-C ends it, as it is meant to end.
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, studio.End());
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 5);

        static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
    }

    private static void Measure(TemporaryFolder folder)
    {
        OnnxFile.Write(NetworkBuilder.SmallClassifier(classes: 8).Build(), folder["model.onnx"]);
        var images = Harness.Images(folder, "images", 4);
        Harness.Images(folder, "test", 2, seed: 5);
        Directory.CreateDirectory(folder["out"]);
        Directory.CreateDirectory(folder["again"]);
        Assert.Equal(
            0, Harness.Command("measure", folder["model.onnx"], "--images", images, "--preprocess", "unit", "--run", folder["run"]).Code);
    }

    private static async Task Ask(IPage page, string field, string text)
    {
        await page.FillAsync(field, text);
        await page.Keyboard.PressAsync("Tab");
        await Settled(page);
    }

    private static async Task Write(IPage page, string name)
    {
        await page.FillAsync("#name", name);
        await page.ClickAsync("#write-button");
        await Assertions.Expect(page.Locator("#write-status")).ToContainTextAsync($"{name}.", new() { Timeout = 60_000 });
    }

    /// <summary>Waits until what was asked for last is answered, and proven or not.</summary>
    private static async Task Settled(IPage page)
    {
        // What is typed is asked for a moment later.
        await page.WaitForTimeoutAsync(150);
        await Assertions.Expect(page.Locator("body")).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 60_000 });
    }

    private static async Task<int[]> Bits(IPage page) =>
        [.. (await page.Locator("#strip .digits").AllInnerTextsAsync()).Select(int.Parse)];

    private static int[] Widths(string json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("bits").GetInt32())];
    }
}
