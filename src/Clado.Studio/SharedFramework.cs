using System.Reflection;
using System.Runtime.Loader;

namespace Clado.Studio;

/// <summary>
/// Finds ASP.NET Core where it is installed beside the runtime. The program does not ask for it when it starts, so that all but this needs
/// the runtime alone (docs/decisions/2026-11-28-studio.md).
/// </summary>
internal static class SharedFramework
{
    private const string Name = "Microsoft.AspNetCore.App", Probe = "Microsoft.AspNetCore";

    private static int isUsed;

    /// <summary>Lets ASP.NET Core be loaded from now on.</summary>
    /// <exception cref="CladoException">It is not installed.</exception>
    public static void Use()
    {
        if (IsHere() || Interlocked.Exchange(ref isUsed, 1) == 1)
        {
            return;
        }
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location);
        var folder = runtime is null ? null : Find(Path.GetFullPath(Path.Combine(runtime, "..", "..", Name)), Environment.Version);
        if (folder is null)
        {
            isUsed = 0;
            throw new CladoException(
                $"the studio wants ASP.NET Core {Environment.Version.Major}, which is not installed beside the .NET runtime; "
                + $"install it (Debian: apt-get install aspnetcore-runtime-{Environment.Version.Major}.0; else https://dot.net)");
        }
        AssemblyLoadContext.Default.Resolving += (context, name) =>
            Path.Combine(folder, $"{name.Name}.dll") is var file && File.Exists(file) ? context.LoadFromAssemblyPath(file) : null;
    }

    /// <summary>The newest version in a folder that goes with a runtime: of the same major and minor version.</summary>
    /// <param name="folder">A folder of versions.</param>
    /// <param name="runtime">The runtime's version.</param>
    /// <returns>Its folder; null where there is none.</returns>
    internal static string? Find(string folder, Version runtime) => !Directory.Exists(folder) ? null
        : Directory.GetDirectories(folder)
            .Select(path => (Path: path, Version: Version.TryParse(Path.GetFileName(path).Split('-')[0], out var own) ? own : null))
            .Where(own => own.Version is { } version && (version.Major, version.Minor) == (runtime.Major, runtime.Minor))
            .OrderBy(own => own.Version).Select(own => own.Path).LastOrDefault();

    /// <summary>Whether the program was started with it.</summary>
    private static bool IsHere()
    {
        try
        {
            return Assembly.Load(Probe) is not null;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }
}
