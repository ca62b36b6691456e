using Clado.Graphs;
using Clado.Images;
using Clado.Inference;

namespace Clado.Losses;

/// <summary>A loss by its name, and what it needs. All that is known of a name is said here.</summary>
/// <param name="Name">Its name in options and files.</param>
/// <param name="Create">Makes it for a batch.</param>
internal sealed record LossKind(string Name, Func<LossInputs, OutputLoss> Create)
{
    private LossKind(string name, Func<LossInputs, OutputLoss> create, bool classes, bool labels, bool scales)
        : this(name, create) => (NeedsClasses, NeedsLabels, NeedsScales) = (classes, labels, scales);

    /// <summary>KL divergence from the float network's distribution over classes, at every place where there are several, nats.</summary>
    public static LossKind KullbackLeibler { get; } = new(
        "kl", Divergence, classes: true, labels: false, scales: false);

    /// <summary>Cross-entropy of the labels, nats.</summary>
    public static LossKind CrossEntropy { get; } = new(
        "ce", LabelEntropy, classes: true, labels: true, scales: false);

    /// <summary>Mean squared error in units of what the images change.</summary>
    public static LossKind MeanSquaredError { get; } = new(
        "mse", i => SquaredLoss.Between(i.FloatOutputs, i.Outputs, i.Weights), classes: false, labels: false, scales: true);

    /// <summary>Cosine distance from the float network's vector.</summary>
    public static LossKind Cosine { get; } = new(
        "cosine", i => new CosineLoss(i.FloatOutputs, i.Outputs, i.Readout.ElementCount), classes: false, labels: false, scales: false)
    {
        NeedsOneOutput = true,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<LossKind> All { get; } = [KullbackLeibler, CrossEntropy, MeanSquaredError, Cosine];

    /// <summary>Whether the outputs must be scores of classes.</summary>
    public bool NeedsClasses { get; }

    /// <summary>Whether there must be one output.</summary>
    public bool NeedsOneOutput { get; private init; }

    /// <summary>Whether the images must have labels.</summary>
    public bool NeedsLabels { get; }

    /// <summary>Whether the units of the outputs must be known.</summary>
    public bool NeedsScales { get; }

    /// <summary>The loss of a name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public static LossKind Named(string name) => All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new ArgumentOutOfRangeException(nameof(name), $"'{name}' is none of {string.Join(", ", All.Select(kind => kind.Name))}");

    /// <summary>Whether a loss that is asked for is one of classes.</summary>
    /// <param name="name">Its name; null where none is.</param>
    public static bool WantsClasses(string? name) => name is not null && Named(name).NeedsClasses;

    /// <summary>The loss that is measured where that name is asked for.</summary>
    /// <param name="readout">Where the network is read.</param>
    /// <param name="name">
    /// The name; null for the divergence of scores of classes, the cosine of embeddings, and the squared error elsewhere.
    /// </param>
    public static LossKind Of(Readout readout, string? name) =>
        name is not null ? Named(name)
        : readout.Classes is not null ? KullbackLeibler
        : readout.Task == NetworkTask.Embed ? Cosine
        : MeanSquaredError;

    /// <summary>One set of classes an image has its own way, which costs no copies.</summary>
    private static OutputLoss Divergence(LossInputs inputs) =>
        inputs.Readout.IsClassifier && inputs.Readout.Classes is [{ IsExclusive: true }]
            ? ClassLoss.KullbackLeibler(inputs.FloatOutputs, inputs.Outputs, inputs.Readout.ElementCount)
            : new PlaceLoss(inputs.Readout, inputs.FloatOutputs, inputs.Outputs);

    /// <summary>Cross-entropy; of one value that says yes or no it is that of no and yes.</summary>
    private static OutputLoss LabelEntropy(LossInputs inputs) => inputs.Readout.IsBinary
        ? new PlaceLoss(inputs.Readout, inputs.FloatOutputs, inputs.Outputs, inputs.Labels)
        : ClassLoss.CrossEntropy(inputs.FloatOutputs, inputs.Outputs, inputs.Readout.ElementCount, inputs.Labels);

    /// <summary>Checks that network and images have what it needs.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="readout">Where its outputs are read.</param>
    /// <param name="images">The images.</param>
    /// <exception cref="CladoException">They have not.</exception>
    public void Check(Graph graph, Readout readout, ImageSet images)
    {
        var file = Path.GetFileName(graph.File);
        if (NeedsClasses && readout.Classes is null)
        {
            throw new CladoException($"{file}: loss '{Name}' wants scores of classes, which this network does not have as it is read "
                + $"({readout.Decision.Sentence}); use {Settings.Loss} mse, "
                + $"or {Settings.Task} classify or segment where outputs are scores");
        }
        if (NeedsLabels && !readout.HasOneRightClass)
        {
            throw new CladoException(
                $"{file}: loss '{Name}' wants one set of classes an image of which one is right; use {Settings.Loss} kl for this model");
        }
        if (NeedsOneOutput && readout.Outputs.Count > 1)
        {
            throw new CladoException(
                $"{file}: loss '{Name}' wants one output, and {readout.Outputs.Count} are compared; "
                + $"use {Settings.Loss} mse for this model");
        }
        if (NeedsLabels && !images.IsLabelled)
        {
            throw new CladoException(
                $"{images.Folder}: loss '{Name}' wants labels; use class folders or a labels.csv, or {Settings.Loss} kl");
        }
        if (NeedsLabels)
        {
            readout.CheckLabels(images);
        }
    }
}

/// <summary>What a loss of a batch is made of; each takes what it needs.</summary>
/// <param name="FloatOutputs">z0. Shape: [images · elements].</param>
/// <param name="Outputs">z: outputs where the measurement stands. Shape: [images · elements].</param>
/// <param name="Readout">Where the network is read.</param>
/// <param name="Labels">Class indices, or null where the images have none. Shape: [images].</param>
/// <param name="Weights">Weight of each element, where the loss needs scales; else empty. Shape: [elements].</param>
internal sealed record LossInputs(float[] FloatOutputs, float[] Outputs, Readout Readout, int[]? Labels, double[] Weights);
