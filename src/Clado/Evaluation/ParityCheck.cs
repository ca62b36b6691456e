using Clado.Execution;
using Clado.Graphs;
using Clado.Losses;

namespace Clado.Evaluation;

/// <summary>
/// Runs a written file as its users do, and the simulation of the same bits in floats, on the same inputs. It says how far their
/// outputs are apart, and how far rounding may drive them apart in this network (docs/numerics.md, "Parity").
/// </summary>
internal static class ParityCheck
{
    /// <summary>Compares.</summary>
    /// <param name="graph">The float network both were made from.</param>
    /// <param name="written">The written model.</param>
    /// <param name="scales">
    /// What each output consists of: every part is compared on its own. Null for a classifier, whose logits are of one kind.
    /// Shape: [outputs].
    /// </param>
    /// <param name="inputs">What is run.</param>
    /// <exception cref="CladoException">
    /// An output is NaN or infinite; or all of a part is once activations are moved, so that nothing says how far rounding drives it.
    /// </exception>
    public static ParityResult Run(Graph graph, WrittenModel written, IReadOnlyList<OutputScale>? scales, ParityInputs inputs)
    {
        var readout = Readout.Of(graph);
        if (scales is not null)
        {
            OutputScale.CheckFit(graph, readout, scales);
        }
        var parts = scales?.Select(scale => scale.Parts) ?? readout.ElementCounts.Select(count => new OutputParts([count], []));
        PartLayout[] layouts = [.. parts.Select(own => new PartLayout(own))];
        using var models = new ParityModels(graph, readout, written);
        var batches = new BatchParity[inputs.Count];
        var done = new WorkProgress(inputs.Count, inputs.Progress);
        inputs.SideBySide.For(inputs.Count, index =>
        {
            var batch = inputs.Load(index);
            batches[index] = new BatchParity(readout, layouts, batch.Count, models.Run(batch));
            done.Add(1);
        });
        return new ParityJudgement(written.Name, readout, layouts, batches).Result(inputs.AreImages);
    }
}
