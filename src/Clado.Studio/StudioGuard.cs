using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using static System.FormattableString;

namespace Clado.Studio;

/// <summary>
/// Lets in who knows the token, and came here by this address: a page of another site has neither, and a name that is made to lead here
/// stands in the Host header.
/// </summary>
/// <param name="token">The token.</param>
internal sealed class StudioGuard(string token)
{
    /// <summary>The port that is listened on.</summary>
    public int Port { get; set; }

    /// <summary>Lets a request pass, or answers it with nothing.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Where it goes.</param>
    public Task Let(HttpContext context, RequestDelegate next)
    {
        var (request, headers) = (context.Request, context.Response.Headers);
        // The token stands in the address: nobody is told it, and nothing is kept.
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        int refused = !IsHost(request.Host.Value) ? StatusCodes.Status421MisdirectedRequest
            : !HasToken(request.Path.Value ?? "") ? StatusCodes.Status404NotFound
            : !IsOwn(request) ? StatusCodes.Status403Forbidden
            : 0;
        if (refused == 0)
        {
            return next(context);
        }
        context.Response.StatusCode = refused;
        return Task.CompletedTask;
    }

    private string[] Hosts => [Invariant($"127.0.0.1:{Port}"), Invariant($"localhost:{Port}")];

    private bool IsHost(string? host) => host is not null && Hosts.Contains(host, StringComparer.OrdinalIgnoreCase);

    private bool HasToken(string path)
    {
        var given = path.Split('/') is [_, var first, ..] ? first : "";
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token));
    }

    /// <summary>Whether what changes something comes from the studio's own page.</summary>
    private bool IsOwn(HttpRequest request) => HttpMethods.IsGet(request.Method)
        || (HttpMethods.IsPost(request.Method)
            && request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) == true
            && (request.Headers.Origin.Count == 0 || Hosts.Any(host => request.Headers.Origin == $"http://{host}")));
}
