using Clado.Evaluation;
using Clado.Images;
using Clado.Records;

namespace Clado.Curves;

/// <summary>What the networks of a curve do on every image, as records of the run folder.</summary>
/// <param name="records">Finished units: read and added to.</param>
/// <param name="images">The images.</param>
/// <param name="writtenAs">What activations are written as, see <see cref="Curve.Activations"/>.</param>
internal sealed class AnswerRecords(IRecordStore records, ImageSet images, string writtenAs)
{
    private string Float => $"answers/{images.Sha256}/float";

    /// <summary>Keeps what a network does.</summary>
    /// <param name="point">Its point; null for the float network.</param>
    /// <param name="result">Its evaluation.</param>
    public void Keep(CurvePoint? point, EvaluationResult result)
    {
        if (PointAnswers.Of(result) is { } answers)
        {
            records.GetOrAdd(KeyOf(point), answers.ToValues);
        }
    }

    /// <summary>The curve with what its points gain over each other, as far as that is known.</summary>
    /// <param name="curve">The curve.</param>
    public Curve Compare(Curve curve) => CurveGains.With(curve, Find, Find(null));

    private PointAnswers? Find(CurvePoint? point) =>
        records.Find<double>(KeyOf(point), PointAnswers.CountOf(images.Items.Count)) is { } values ? PointAnswers.FromValues(values) : null;

    private string KeyOf(CurvePoint? point) => point is null ? Float : $"answers/{images.Sha256}/{writtenAs}/{point.Key}";
}
