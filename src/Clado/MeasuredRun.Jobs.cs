using Clado.Sensitivity;
using Clado.Tuning;

namespace Clado;

/// <content>Several calls as one job.</content>
public sealed partial class MeasuredRun
{
    /// <summary>What stages cost.</summary>
    internal JobPlans Plans => new(Graph, Rows, folder.Description.ImageCount);

    /// <summary>Rounds where nobody says.</summary>
    internal static int RoundsOf(SensitivityOptions options) => options.IsAutomatic ? DefaultRounds : 0;

    /// <summary>
    /// One job of two calls: <see cref="Allocate"/> and <see cref="Deploy"/> without an evaluation, given what this returns, tell how far
    /// both together are.
    /// </summary>
    /// <param name="progress">Is told of it.</param>
    /// <param name="rounds">Rounds at most that will be asked for; null for the default. Range: [0, inf).</param>
    /// <param name="refine">Whether the file will be refined.</param>
    /// <param name="tune">What it will be tuned by.</param>
    /// <param name="predicted">Whether the choice is that of <see cref="Predict"/>.</param>
    /// <exception cref="CladoException">The run's images are needed and not there, or have changed.</exception>
    public IProgress<StageProgress> WholeJob(IProgress<StageProgress> progress, int? rounds = null, bool refine = false,
        TuningMethod tune = TuningMethod.None, bool predicted = false)
    {
        ArgumentNullException.ThrowIfNull(progress);
        int most = rounds ?? OwnRounds;
        var choosing = predicted || (!options.IsAutomatic && most == 0) ? [] : Searching(MeasurementInputs(null, default), most);
        return new Job([.. choosing, .. Plans.Deploying(Plan, Activations.Format, new(refine, false, tune))], progress);
    }

    /// <summary>The stages of a search. What the checks of gradients came to is known.</summary>
    private IReadOnlyList<JobStage> Searching(MeasurementInputs inputs, int rounds) => SearchPlan.Stages(
        inputs with { Forward = GradientChecks.Forward(Rows, Sensitivity.Checks, []) }, options, rounds, folder.Description.RoundsOnImages);
}
