using Clado.Execution;
using Clado.Images;
using Clado.Records;

namespace Clado.Sensitivity;

/// <summary>
/// Sensitivities by gradients where some candidates are measured forward, since gradients do not describe them: on all images where that
/// costs a few passes, else on as many as it may cost, spread over the others (docs/method.md, "Checks").
/// </summary>
internal static class SampledForward
{
    // Passes over all images: about what gradients cost themselves.
    private const double MostPasses = 10;

    // Around a choice, gains and losses may cancel in what the sample is compared with.
    private const double MostScaling = 2;

    // What records of the sample begin with: by gradients, and with candidates measured forward.
    private const string Sample = "sample/";
    private const string Forward = "sample/forward/";

    /// <summary>Measures.</summary>
    /// <param name="inputs">What is measured.</param>
    /// <param name="operatingPoint">Row of each layer's candidate to measure around; empty for the float network. Shape: [layers].</param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="records">Finished units: read and added to.</param>
    public static SensitivityMatrix Measure(
        MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options, IRecordStore records)
    {
        var (work, all) = (inputs.Work, inputs.Work.Images.Items.Count);
        int count = ImagesOf(inputs, operatingPoint, options);
        if (count == all)
        {
            return SensitivityMeasurement.Measure(inputs, operatingPoint, options, records);
        }
        MeasurementInputs On(ImageSet images, string part, double start, double length) => inputs with
        {
            Work = work with { Images = images, Progress = PartOfProgress.Of(work.Progress, start, length) },
            Part = inputs.Part + part,
            Forward = part == Forward ? inputs.Forward : [],
            Rows = inputs.Rows && part.Length == 0,
        };
        var sample = work.Images.Spread(count);
        SensitivityMatrix Of(MeasurementInputs own) => SensitivityMeasurement.Measure(own, operatingPoint, options, records);
        double half = 0.5;
        var gradients = Of(On(work.Images, "", 0, half));
        var some = Of(On(sample, Sample, half, half / 4));
        return Corrected(gradients, some, Of(On(sample, Forward, half * 5 / 4, half * 3 / 4)), inputs.Forward) with
        {
            ForwardImages = count,
        };
    }

    /// <summary>What it costs, in full passes over the images, before it is known what exactly is measured.</summary>
    /// <param name="inputs">What is measured, as far as it is known.</param>
    /// <param name="options">Estimator and loss.</param>
    /// <param name="isAround">Whether it is measured around a choice, else around the float network.</param>
    public static double PassesOf(MeasurementInputs inputs, SensitivityOptions options, bool isAround)
    {
        double gradients = MeasurementPlan.PassesOf(inputs with { Forward = [] }, options, isAround);
        double forward = MeasurementPlan.PassesOf(inputs, options, isAround) - gradients;
        return forward <= MostPasses ? gradients + forward : gradients + MostPasses + (2 * gradients * MostPasses / forward);
    }

    /// <summary>Images that candidates are measured forward on. Range: [1, images].</summary>
    private static int ImagesOf(MeasurementInputs inputs, IReadOnlyList<int> operatingPoint, SensitivityOptions options)
    {
        int all = inputs.Work.Images.Items.Count;
        if (inputs.Forward.Count == 0)
        {
            return all;
        }
        var task = new MeasurementTask(inputs, operatingPoint, options);
        double passes = inputs.Forward.Sum(row => (double)task.Cuts.Suffixes[inputs.Candidates.LayerOf[row]].Macs) / task.Cuts.Macs;
        return passes <= MostPasses ? all : Math.Min(all, Math.Max(GradientChecks.ImageCount, (int)(all * MostPasses / passes)));
    }

    /// <summary>
    /// Losses of candidates alone with what a sample says that gradients miss, in the proportion of what gradients say of all images to
    /// what they say of the sample: images differ more in how much is lost than in how far gradients are off. Cross terms stay.
    /// </summary>
    private static SensitivityMatrix Corrected(
        SensitivityMatrix all, SensitivityMatrix sample, SensitivityMatrix forward, IReadOnlyList<int> rows)
    {
        int n = all.CandidateCount;
        var (raw, errors) = ((double[])all.Raw.Clone(), (double[])all.StandardErrors.Clone());
        foreach (int row in rows)
        {
            int entry = (row * n) + row;
            double scale = sample.Raw[entry] == 0 ? 1
                : Math.Clamp(Math.Abs(all.Raw[entry] / sample.Raw[entry]), 1 / MostScaling, MostScaling);
            raw[entry] += scale * (forward.Raw[entry] - sample.Raw[entry]);
            errors[entry] = scale * forward.StandardErrors[entry];
        }
        var (projected, eigenvalues) = SpectralProjection.Project(raw, n);
        return all with { Raw = raw, StandardErrors = errors, Projected = projected, Eigenvalues = eigenvalues };
    }
}
