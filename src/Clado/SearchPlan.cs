using Clado.Sensitivity;
using static System.FormattableString;

namespace Clado;

/// <summary>The stages of an <see cref="AllocationSearch"/>: their names, and what they are expected to cost.</summary>
internal static class SearchPlan
{
    // Whether a round finds something better is as likely as not, and so is whether it has to look closer to the choice.
    private const double Likely = 0.5;

    // Where rounding has seen the images, little is found that counts on those held back.
    private const double LikelyWhereFitted = 0.1;

    // Surrogates that are tried on the float network, and around a choice.
    private const int Proposals = 5;
    private const int ProposalsAround = 4;

    // Sessions of a measurement: the network with its slopes, and one beside it.
    internal const int Gradients = 2;

    // Seconds that one is solved in, for a pair of layers, until one was seen; and at most, as the solver's work is limited.
    private const double SolveSeconds = 0.0004, MostSolveSeconds = 3;

    /// <summary>The stages.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="rounds">Rounds at most. Range: [0, inf).</param>
    /// <param name="isFitted">Whether candidates were rounded on the images: those held back decide alone then.</param>
    /// <returns>Costs are passes over all images of the inputs, of the choosing seconds. Shape: [stages].</returns>
    public static IReadOnlyList<JobStage> Stages(MeasurementInputs inputs, SensitivityOptions options, int rounds, bool isFitted)
    {
        if (!options.IsAutomatic && rounds == 0)
        {
            // The one surrogate's choice is taken as it is.
            return [];
        }
        int layers = inputs.Candidates.Layers.Count, proposals = options.IsAutomatic ? Proposals : 1;
        double seen = (double)options.Seen(inputs.Work.Images).Items.Count / inputs.Work.Images.Items.Count;
        double around = rounds == 0 ? 0 : seen * SampledForward.PassesOf(inputs, options, isAround: true);
        // All on the images held back, and the best one on the others; each time beside the float network.
        double Passes(int count) => isFitted && seen < 1 ? ((1 - seen) * (count + 1)) + (seen * 2) : count + 1;
        double solve = Math.Min(MostSolveSeconds, SolveSeconds * layers * layers);
        IEnumerable<JobStage> Try(string name, int count, double likelihood) =>
        [
            new JobStage(StageNames.Choosing + name, StageKind.Choosing, count * solve) { Likelihood = likelihood },
            new JobStage(StageNames.Choices + name, StageKind.Running, Passes(count)) { Likelihood = likelihood, Sessions = count },
        ];

        List<JobStage> stages = [.. Try("", proposals, 1)];
        for (int round = 1; round <= rounds; round++)
        {
            double likelihood = Math.Pow(isFitted ? LikelyWhereFitted : Likely, round - 1);
            stages.Add(new JobStage(Around(round), StageKind.Running, around) { Likelihood = likelihood, Sessions = Gradients });
            for (int radius = layers; radius >= 1; radius /= 2)
            {
                stages.AddRange(Try(Within(round, radius, layers), ProposalsAround, radius == layers ? likelihood : likelihood * Likely));
            }
        }
        return [.. stages.Select(stage => stage with { Part = JobPart.Choosing })];
    }

    /// <summary>Name of the stage that measures around a choice.</summary>
    public static string Around(int round) => Invariant($"measuring around the choice, round {round}");

    /// <summary>What the names of stages end in that propose and measure choices near another.</summary>
    /// <param name="round">The round. Range: [1, inf).</param>
    /// <param name="radius">Layers that may change.</param>
    /// <param name="layers">Number of layers.</param>
    public static string Within(int round, int radius, int layers) =>
        Invariant($", round {round}") + (radius == layers ? "" : radius == 1 ? ", 1 layer" : Invariant($", {radius} layers"));
}
