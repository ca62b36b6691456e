using Clado.Comparisons;
using Clado.Metrics;
using Clado.Sensitivity;
using Clado.Tuning;
using static System.FormattableString;

namespace Clado;

/// <summary>Which metrics a comparison can measure, and what it is expected to cost.</summary>
/// <param name="options">What is compared.</param>
/// <param name="context">What is measured, as far as it is known.</param>
/// <param name="isFitted">Whether candidates were rounded on the images.</param>
internal sealed class ComparisonPlan(ComparisonOptions options, MetricContext context, bool isFitted)
{
    // Passes over the run's images that a metric may take which nobody asked for by name.
    private const double MostPasses = 150;

    /// <summary>
    /// Why a metric cannot work on this run, in a sentence without its end; null where nothing is known to be in its way.
    /// </summary>
    /// <param name="metric">The metric.</param>
    public string? Problem(IMetric metric)
    {
        if (IsSearched(metric))
        {
            return context.Options.IsAutomatic ? null
                : $"the run was measured with {Settings.Estimator} {context.Options.Estimator}, not with {metric.Name}";
        }
        if (metric.Needs.HasFlag(MetricNeeds.Labels) && !context.HasLabels)
        {
            return "it wants images with labels, and a network that gives one class";
        }
        if (metric.Needs.HasFlag(MetricNeeds.Gradients) && Estimators.NoGradients(context.Cuts) is { } reason)
        {
            return $"it wants gradients: {reason}";
        }
        double passes = options.IsNamed(metric) ? 0 : metric.ExpectedPasses(context);
        return passes <= MostPasses ? null
            : Invariant($"it would take about {passes:N0} passes over the images; ")
                + $"name it in {Settings.ComparedMetrics} to have it measured";
    }

    /// <summary>The stages.</summary>
    /// <param name="images">Images that choices are evaluated on.</param>
    /// <param name="tuning">What tuning one choice costs, in passes over the run's images.</param>
    /// <returns>Shape: [stages].</returns>
    public IReadOnlyList<JobStage> Stages(int images, double tuning)
    {
        IMetric[] able = [.. options.Chosen.Where(metric => Problem(metric) is null)];
        int several = able.Any(metric => metric is RandomMetric) ? RandomMetric.Draws - 1 : 0;
        double networks = options.Budgets.Count * (able.Length + several);
        double evaluating = (double)images / context.Inputs.Work.Images.Items.Count;
        JobStage[] stages =
        [
            .. able.Where(metric => !IsSearched(metric))
                .Select(metric => Running(StageNames.Metric(metric.Name), metric.ExpectedPasses(context))),
            .. options.Budgets.SelectMany(_ => able.Any(IsSearched)
                ? SearchPlan.Stages(context.Inputs, context.Options, options.MostRounds, isFitted) : []),
            Running(
                StageOfChoices(options.Tune), networks * (evaluating + (options.Tune != TuningMethod.None ? tuning : 0))),
        ];
        return [.. stages.Select(stage => stage with { Part = JobPart.Comparison })];
    }

    /// <summary>Name of the stage in which choices are evaluated.</summary>
    /// <param name="tune">What is done with them before.</param>
    public static string StageOfChoices(TuningMethod tune) =>
        tune != TuningMethod.None ? StageNames.TuningChoices : StageNames.EvaluatingChoices;

    private static bool IsSearched(IMetric metric) => metric is EstimatorMetric { IsSearched: true };

    private static JobStage Running(string name, double passes) => new(name, StageKind.Running, passes);
}
