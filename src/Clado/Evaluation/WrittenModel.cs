using Clado.Activations;
using Clado.Candidates;
using Clado.Onnx;

namespace Clado.Evaluation;

/// <summary>A quantized model as it is or would be written, and what it was written of.</summary>
/// <param name="Model">The model.</param>
/// <param name="Name">What errors call it.</param>
/// <param name="Chosen">One candidate a layer. Shape: [layers].</param>
/// <param name="Activations">What was written of activations; null where they stayed floats.</param>
internal sealed record WrittenModel(ModelProto Model, string Name, IReadOnlyList<Candidate> Chosen, QuantizedActivations? Activations);
