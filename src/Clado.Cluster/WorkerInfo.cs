namespace Clado.Cluster;

/// <summary>A worker, and what it does at the moment.</summary>
/// <param name="Name">Host and process.</param>
/// <param name="Version">Versions of Clado and ONNX Runtime.</param>
/// <param name="Processor">Kind of its processor: those of one kind give the same bits.</param>
/// <param name="Threads">Units side by side.</param>
/// <param name="MemoryBytes">Memory it may take.</param>
/// <param name="Queued">Units it has to do.</param>
/// <param name="Done">Units it has done since it began.</param>
/// <param name="CachedBytes">Bytes of models, candidates and images that it keeps.</param>
/// <param name="Problem">Why it takes no part in what this machine measures; null where it does.</param>
public sealed record WorkerInfo(
    string Name, string Version, string Processor, int Threads, long MemoryBytes, int Queued, long Done, long CachedBytes, string? Problem);
