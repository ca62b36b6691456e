using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static System.FormattableString;

namespace Clado.Studio;

/// <summary>The studio's addresses. Nobody gets in from elsewhere, and nobody here without the token of the address.</summary>
internal static class StudioServer
{
    // 128 bits: nobody guesses them.
    private const int TokenBytes = 16;

    // A budget, a limit and a width for each of some ten thousand layers.
    private const long LargestRequest = 1 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.1);

    /// <summary>Serves until it is stopped.</summary>
    /// <param name="session">What is served.</param>
    /// <param name="port">The port; 0 for any.</param>
    /// <param name="ready">Is told the address.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="CladoException">The port is taken.</exception>
    public static async Task Run(StudioSession session, int port, Action<string> ready, CancellationToken cancellation)
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = LargestRequest;
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = Patience);
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        var guard = new StudioGuard(token);
        app.Use(guard.Let);
        Map(app, $"/{token}", session);
        try
        {
            await app.StartAsync(CancellationToken.None);
        }
        catch (IOException e)
        {
            throw new CladoException(
                Invariant($"{Settings.StudioPort} {port}: {e.InnerException?.Message ?? e.Message}; give another, or none"));
        }
        var address = new Uri(app.Urls.First());
        guard.Port = address.Port;
        var warming = Task.Run(session.WarmUp, CancellationToken.None);
        ready(Invariant($"http://127.0.0.1:{address.Port}/{token}/"));
        var stopped = new TaskCompletionSource();
        using (cancellation.Register(stopped.SetResult))
        {
            await warming;
            await stopped.Task;
        }
        session.Dispose();
        await app.StopAsync(CancellationToken.None);
    }

    private static void Map(WebApplication app, string root, StudioSession session)
    {
        app.MapGet($"{root}/", context => Page(context, session.Page()));
        app.MapGet($"{root}/report", context => Page(context, session.Report()));
        app.MapPost($"{root}/choose", context => Answer<ChoiceRequest>(
            context, request => session.Choose(request, context.RequestAborted)));
        app.MapPost($"{root}/prove", context => Answer<ChoiceRequest>(
            context, request => session.Prove(request, context.RequestAborted)));
        app.MapPost($"{root}/write", context => Answer<WriteRequest>(context, session.Write));
        app.MapPost($"{root}/stop", context => Answer<object>(context, _ => session.StopJob()));
        app.MapGet($"{root}/job", context => Json(context, session.Job()));
    }

    private static Task Page(HttpContext context, string html)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(html);
    }

    /// <summary>Answers a request; what is wrong with it is an answer, too.</summary>
    private static async Task Answer<T>(HttpContext context, Func<T, object> answer)
    {
        try
        {
            var request = await JsonSerializer.DeserializeAsync<T>(context.Request.Body, StudioJson.Options, context.RequestAborted);
            await Json(context, await Task.Run(() => answer(request!), context.RequestAborted));
        }
        catch (JsonException)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
        }
        catch (OperationCanceledException)
        {
            // Who asked has asked for something else meanwhile.
        }
    }

    private static Task Json(HttpContext context, object answer)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync(JsonSerializer.Serialize(answer, StudioJson.Options));
    }
}
