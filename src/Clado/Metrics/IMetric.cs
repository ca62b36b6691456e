namespace Clado.Metrics;

/// <summary>
/// A way to say how much each layer suffers at each width, whoever published it. What it gives is minimised by the one solver within a
/// budget, and the choice is run by the one evaluation: metrics are compared, and nothing else that differs between papers. It keeps no
/// state: what it finds depends on what it is given.
/// </summary>
public interface IMetric
{
    /// <summary>Name, in small letters, by which it is asked for and kept in the run folder.</summary>
    string Name { get; }

    /// <summary>What it does, in a few words.</summary>
    string Description { get; }

    /// <summary>Where it comes from: paper and formula.</summary>
    string Source { get; }

    /// <summary>What it cannot work without; whoever compares sees to it that it is there.</summary>
    MetricNeeds Needs => MetricNeeds.None;

    /// <summary>What it is expected to cost, before it is measured: full passes over the run's images. Range: [0, inf).</summary>
    /// <param name="context">What it will be given.</param>
    double ExpectedPasses(MetricContext context) => 1;

    /// <summary>Measures.</summary>
    /// <param name="context">Network, candidates, images.</param>
    /// <exception cref="CladoException">It cannot work on this network; the message says why.</exception>
    MetricScores Measure(MetricContext context);
}

/// <summary>What a metric cannot work without.</summary>
[Flags]
public enum MetricNeeds
{
    /// <summary>Weights and candidates are enough.</summary>
    None = 0,

    /// <summary>Images.</summary>
    Images = 1,

    /// <summary>Images with labels, and a network that gives one class.</summary>
    Labels = 2,

    /// <summary>A network whose operators have gradients (docs/gradients.md).</summary>
    Gradients = 4,
}
