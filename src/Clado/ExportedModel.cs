using Clado.Evaluation;

namespace Clado;

/// <summary>A model that was written, run and found sound.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="SizeBytes">Its bytes; of a model beyond 2 GiB, with those of the file that has its data.</param>
/// <param name="Parity">How close its outputs are to those of a simulation of its bits in floats.</param>
public sealed record ExportedModel(string Path, long SizeBytes, ParityResult Parity);
