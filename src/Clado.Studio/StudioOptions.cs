namespace Clado.Studio;

/// <summary>How a studio works.</summary>
public sealed record StudioOptions
{
    /// <summary>Port on the loopback interface; 0 for any that is free. Range: [0, 65535].</summary>
    public int Port { get; init; }

    /// <summary>Folder that files are written to.</summary>
    public string Output { get; init; } = ".";

    /// <summary>Folder of images to evaluate written files on; null for those of the run.</summary>
    public string? Images { get; init; }

    /// <summary>Options that the command of a file needs besides run, budget and pins, as the run was opened with them.</summary>
    public string Writing { get; init; } = "";

    /// <summary>What becomes of sentences that name settings of the library.</summary>
    public Func<string, string> Words { get; init; } = text => text;
}
