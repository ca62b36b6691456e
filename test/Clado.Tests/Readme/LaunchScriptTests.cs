using System.Diagnostics;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Readme;

/// <summary>The script that builds and starts the program, with a compiler that is none.</summary>
public class LaunchScriptTests
{
    [Fact]
    public void WhatIsChangedDuringABuildIsBuiltTheNextTime()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a script for bash");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["src/Clado.Cli"]);
        foreach (var file in (string[])["src/a.cs", "Directory.Build.props", "Directory.Packages.props", "global.json"])
        {
            File.WriteAllText(folder[file], "");
        }
        File.Copy(Path.Combine(Repository.Root, "clado"), folder["clado"]);
        // Somebody edits a source while the first build runs, after that was read; the second build fails.
        Script(folder["bin/dotnet"], """
            root=$(dirname "$(dirname "$0")")
            program=$root/src/Clado.Cli/bin/Release/net10.0/Clado.Cli
            echo build >> "$root/log"
            builds=$(wc -l < "$root/log")
            sleep 0.1
            if [ "$builds" -eq 1 ]; then touch "$root/src/a.cs"; sleep 0.1; fi
            if [ "$builds" -eq 2 ]; then echo broken; exit 1; fi
            mkdir -p "$(dirname "$program")"
            printf '#!/bin/sh\necho built %s\n' "$builds" > "$program"
            chmod +x "$program"
            """);
        Assert.Equal((0, "built 1"), Run(folder));
        Assert.Equal((2, ""), Run(folder));
        Assert.Equal((0, "built 3"), Run(folder));
        Assert.Equal((0, "built 3"), Run(folder));
    }

    private static void Script(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "#!/bin/sh\n" + text.ReplaceLineEndings("\n") + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static (int Code, string Output) Run(TemporaryFolder folder)
    {
        var start = new ProcessStartInfo("bash", [folder["clado"], "inspect"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{folder["bin"]}:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output.Trim());
    }
}
