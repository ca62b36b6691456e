namespace Clado.Curves;

/// <summary>
/// Compares what Clado chose with the networks beside it: the diagonal choice for the same budget, the uniform networks next in size, and
/// the next smaller one of its own, which tells what going smaller costs.
/// </summary>
internal static class CurveGains
{
    /// <summary>The curve with what its points gain.</summary>
    /// <param name="curve">The curve.</param>
    /// <param name="answersOf">What a point's network does on every image; null where that is not known.</param>
    /// <param name="whole">What the float network does; null where that is not known.</param>
    public static Curve With(Curve curve, Func<CurvePoint, PointAnswers?> answersOf, PointAnswers? whole)
    {
        var answers = curve.Points.DistinctBy(point => point.Key).ToDictionary(point => point.Key, answersOf);
        CurvePoint Compared(CurvePoint point)
        {
            if (answers[point.Key] is not { } own)
            {
                return point;
            }
            CurveDifference[] gains = [.. Beside(curve, point).Select(other => answers[other.Key] is { } theirs
                ? own.GainOver(other, theirs) : null).OfType<CurveDifference>()];
            return point with
            {
                MeasuredLossError = own.LossError,
                Top1Gain = whole is null ? null : own.Top1GainOver(whole),
                Gains = point.Method == CurveMethod.Clado && gains.Length > 0 ? gains : null,
            };
        }

        return curve with { Points = [.. curve.Points.Select(Compared)] };
    }

    private static IEnumerable<CurvePoint> Beside(Curve curve, CurvePoint point)
    {
        var uniform = curve.Of(CurveMethod.Uniform);
        return new[]
        {
            curve.Of(CurveMethod.Diagonal).FirstOrDefault(other => other.Budget == point.Budget),
            uniform.LastOrDefault(other => other.SizeBytes < point.SizeBytes),
            uniform.FirstOrDefault(other => other.SizeBytes >= point.SizeBytes),
            curve.Of(CurveMethod.Clado).LastOrDefault(other => other.SizeBytes < point.SizeBytes),
        }.OfType<CurvePoint>();
    }
}
