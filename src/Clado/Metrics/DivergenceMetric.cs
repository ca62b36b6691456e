using Clado.Sensitivity;

namespace Clado.Metrics;

/// <summary>
/// The KL metric of the papers on speech models (arXiv 2112.11438, 2112.11540), as it applies to vision: the Kullback-Leibler divergence
/// between the distributions of the float network and of the one with a single layer rounded, <c>s(i, b) = KL(p ‖ p_ib)</c>, mean over
/// images.
/// <para>
/// Deviations. Classes of images take the place of words. Where the run's loss is kl that is what `diagonal` measures; it is measured with
/// kl whatever the run's loss is.
/// </para>
/// </summary>
internal sealed class DivergenceMetric : IMetric
{
    private const string Estimator = "additive", Divergence = "kl";

    public string Name => "speech-kl";

    public string Description => "divergence of the network's answers with one layer rounded";

    public string Source => "mixed precision for speech models, arXiv 2112.11438 and 2112.11540: KL(p ‖ p with one layer rounded)";

    public MetricNeeds Needs => MetricNeeds.Images;

    public double ExpectedPasses(MetricContext context) => context.PassesOf(Estimator);

    public MetricScores Measure(MetricContext context) => context.Readout.Classes is null
        ? throw new CladoException($"{Path.GetFileName(context.Graph.File)}: a divergence wants scores of classes, which it does not give")
        : MetricScores.OfMatrix(Surrogate.Diagonal(context.Estimate(Estimator, Divergence)).Matrix);
}
