using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Tasks;

/// <summary>
/// Decides what a network is for: what is said, else what its structure tells, and where that leaves it open, what it answers on images
/// (docs/decisions/2026-11-27-tasks.md).
/// </summary>
internal static class TaskFinder
{
    /// <summary>Decides.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="given">What it is said to be for, or null.</param>
    /// <param name="work">Images to look at.</param>
    /// <param name="wantsClasses">Whether a loss of classes is asked for: then classes are what is open.</param>
    /// <param name="source">What errors call it; null for the float model.</param>
    /// <returns>The network, decided to be for something.</returns>
    /// <exception cref="CladoException">
    /// It cannot be for what it is said to be; an image cannot be used, or an answer is NaN or infinite.
    /// </exception>
    public static Graph Decide(Graph graph, NetworkTask? given, Workload work, bool wantsClasses = false, OutputSource? source = null)
    {
        var answers = Answers.Of(graph);
        var structural = TaskRules.Decide(answers);
        AnswerEvidence? Look() => AnswerEvidence.Of(answers, work, source ?? OutputSource.Float(graph.File));
        var said = given is { } task ? Said(task) : wantsClasses && !structural.IsCertain ? AsClasses(answers) : null;
        if (said is null)
        {
            return graph.For((structural.IsCertain || Look() is not { } found ? null : ValueRules.Decide(found)) ?? structural);
        }
        var decided = graph.For(said);
        _ = Readout.Of(decided);
        bool mayHoldProbabilities = said.Task is NetworkTask.Classify or NetworkTask.Segment && !structural.IsCertain;
        bool holds = mayHoldProbabilities && Look() is { } evidence && ValueRules.HoldsProbabilities(evidence);
        return holds ? graph.For(said with { HoldsProbabilities = true }) : decided;
    }

    /// <summary>The same where there are no images.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="given">What it is said to be for, or null.</param>
    public static Graph Decide(Graph graph, NetworkTask? given) => given is { } task ? graph.For(Said(task)) : graph;

    private static TaskDecision Said(NetworkTask task) => new(task, "it was said to be");

    /// <summary>What has classes, if what is open are classes; null where it can have none.</summary>
    private static TaskDecision? AsClasses(Answers answers)
    {
        const string Reason = "a loss of classes is asked for";
        return answers.Vector() is not null ? new(NetworkTask.Classify, Reason)
            : ClassMaps.Of(answers) is not null ? new(NetworkTask.Segment, Reason)
            : null;
    }
}
