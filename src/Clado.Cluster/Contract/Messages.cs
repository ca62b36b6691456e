
namespace Clado.Cluster.Contract;

/// <summary>What a machine is, and what it does at the moment.</summary>
[GenerateSerializer]
[Alias("clado.state")]
internal sealed record WorkerState
{
    /// <summary>What its users call it: host and process.</summary>
    [Id(0)]
    public required string Name { get; init; }

    /// <summary>Versions of Clado and ONNX Runtime.</summary>
    [Id(1)]
    public required string Version { get; init; }

    /// <summary>Its <see cref="Clado.Execution.ProcessorKind"/>.</summary>
    [Id(2)]
    public required string Processor { get; init; }

    /// <summary>Units side by side. Range: [1, inf).</summary>
    [Id(3)]
    public required int Threads { get; init; }

    /// <summary>Memory it may take, bytes.</summary>
    [Id(4)]
    public required long MemoryBytes { get; init; }

    /// <summary>Units it has to do.</summary>
    [Id(5)]
    public required int Queued { get; init; }

    /// <summary>Units it has done since it began.</summary>
    [Id(6)]
    public required long Done { get; init; }

    /// <summary>Bytes of files that it keeps.</summary>
    [Id(7)]
    public required long CachedBytes { get; init; }
}

/// <summary>A part of a file.</summary>
[GenerateSerializer]
[Alias("clado.part")]
internal sealed record FilePart
{
    /// <summary>SHA-256 of the whole file: its name.</summary>
    [Id(0)]
    public required string Hash { get; init; }

    /// <summary>Bytes of the whole file.</summary>
    [Id(1)]
    public required long Length { get; init; }

    /// <summary>Where the part begins.</summary>
    [Id(2)]
    public required long Offset { get; init; }

    /// <summary>Shape: [bytes].</summary>
    [Id(3)]
    public required byte[] Bytes { get; init; }
}

/// <summary>Units of one group to do.</summary>
[GenerateSerializer]
[Alias("clado.assignment")]
internal sealed record Assignment
{
    /// <summary>Whose units: a task of a coordinator.</summary>
    [Id(0)]
    public required string Session { get; init; }

    /// <summary>Hash of the task's description.</summary>
    [Id(1)]
    public required string Task { get; init; }

    /// <summary>Hashes of the files that the description names. Shape: [files].</summary>
    [Id(2)]
    public required string[] Files { get; init; }

    /// <summary>The group. Range: [0, inf).</summary>
    [Id(3)]
    public required int Group { get; init; }

    /// <summary>Hash of what the group works on.</summary>
    [Id(4)]
    public required string Input { get; init; }

    /// <summary>Names of the units. Shape: [units].</summary>
    [Id(5)]
    public required string[] Keys { get; init; }

    /// <summary>Positions of the units in their group. Shape: [units].</summary>
    [Id(6)]
    public required int[] Rows { get; init; }

    /// <summary>Names of units whose outcome has arrived, and is forgotten before these are taken: they may be among them again.</summary>
    [Id(7)]
    public required string[] Received { get; init; }
}

/// <summary>What became of a unit.</summary>
[GenerateSerializer]
[Alias("clado.outcome")]
internal sealed record Outcome
{
    /// <summary>Name of the unit.</summary>
    [Id(0)]
    public required string Key { get; init; }

    /// <summary>Why it could not be done; null where it was.</summary>
    [Id(1)]
    public string? Problem { get; init; }

    /// <summary>Whether it could not be done since a file is not there any more.</summary>
    [Id(2)]
    public bool IsMissing { get; init; }

    /// <summary>Bytes that it came to.</summary>
    [Id(3)]
    public long Length { get; init; }

    /// <summary>The first of them. Shape: [bytes].</summary>
    [Id(4)]
    public byte[] Bytes { get; init; } = [];
}
