using Clado.Execution;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;

namespace Clado.Evaluation;

/// <summary>
/// Evaluates models: every batch is decoded once, and the reference runs on it once, however many models are compared with it.
/// </summary>
internal static class ModelEvaluation
{
    /// <summary>Evaluates.</summary>
    /// <param name="graph">The network whose inputs the models take.</param>
    /// <param name="models">The models, whose outputs are of one size. Shape: [models].</param>
    /// <param name="reference">What to compare with, which may be one of the models; null for nothing.</param>
    /// <param name="work">Images to run, of classes that the models have.</param>
    /// <returns>Shape: [models].</returns>
    /// <exception cref="CladoException">An output is NaN or infinite.</exception>
    public static IReadOnlyList<EvaluationResult> Run(
        Graph graph, IReadOnlyList<EvaluatedModel> models, Reference? reference, Workload work)
    {
        // Whole outputs may be maps of the image's size.
        var batches = work.Batches(graph, reference?.Task is { OneByOne: true } ? 1 : BatchSize.Of(graph));
        var task = reference?.Task is { } options ? MeasuredTask.Of(options, reference.Runner, batches, work) : null;
        var tallies = new Tally[batches.Count][];
        var done = new WorkProgress(batches.Count, work.Progress);
        work.SideBySide.For(batches.Count, index =>
        {
            tallies[index] = Run(models, reference, task, batches.Load(index));
            done.Add(1);
        });
        return [.. models.Select((model, i) => Tally.Sum([.. tallies.Select(batch => batch[i])], model, reference, task, work.Images))];
    }

    /// <summary>Runs a batch. Shape: [models].</summary>
    private static Tally[] Run(IReadOnlyList<EvaluatedModel> models, Reference? reference, MeasuredTask? task, ImageBatch batch)
    {
        var expected = reference?.Runner.RunWhole(batch);
        var increase = expected is null ? null : reference!.Losses?.Create(expected.Read, expected.Read, batch);
        var tallies = new Tally[models.Count];
        for (int i = 0; i < tallies.Length; i++)
        {
            var runner = models[i].Runner;
            var outputs = runner == reference?.Runner ? expected! : runner.RunWhole(batch);
            tallies[i] = new Tally();
            if (batch.Labels is { } labels && runner.Readout.IsClassifier)
            {
                tallies[i].Score(runner.Readout.Scores(outputs.Read), labels, runner.Readout.ClassCount);
            }
            if (increase is not null)
            {
                tallies[i].Compare(runner.Readout, outputs.Read, expected!.Read, increase);
            }
            if (task is not null)
            {
                tallies[i].Compare(outputs.Images, expected!.Images, task);
            }
        }
        return tallies;
    }
}

/// <summary>A model that is evaluated.</summary>
/// <param name="Name">What results call it.</param>
/// <param name="SizeBytes">Bytes of its file.</param>
/// <param name="Runner">What runs it.</param>
internal sealed record EvaluatedModel(string Name, long SizeBytes, ModelRunner Runner);

/// <summary>What models are compared with.</summary>
/// <param name="Runner">What runs it.</param>
/// <param name="Losses">The loss of an increase over it; null where no output is such that it has one.</param>
/// <param name="Task">What else is measured; null of a classifier.</param>
internal sealed record Reference(ModelRunner Runner, LossFactory? Losses, TaskOptions? Task);
