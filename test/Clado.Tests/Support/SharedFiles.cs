using Xunit;

namespace Clado.Tests.Support;

/// <summary>
/// Real models and images that lie beside the repository; tests that need them are skipped, visibly, where they are absent.
/// </summary>
internal static class SharedFiles
{
    private static readonly string? Folder = Find();

    /// <summary>Path of a shared file or folder; skips the calling test where it is absent.</summary>
    public static string Require(string path)
    {
        var full = Folder is null ? null : Path.Combine(Folder, path);
        Assert.SkipUnless(Path.Exists(full), $"shared/{path} is not here (CLADO_SHARED names its folder)");
        return full!;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CLADO_SHARED") is { Length: > 0 } given)
        {
            return given;
        }
        var root = Path.GetDirectoryName(Repository.Root);
        return root is null ? null : Path.Combine(root, "shared");
    }
}

/// <summary>The repository's own files.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Clado.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
        }
        return folder;
    }
}
