using Clado.Allocation;

namespace Clado.Curves;

/// <summary>What a point of a curve gains over another, image by image.</summary>
/// <param name="Method">How the other's bits were chosen.</param>
/// <param name="Budget">The other's budget.</param>
/// <param name="Loss">What it loses less, in units of the run's loss; below 0 where the other loses less.</param>
public sealed record CurveDifference(CurveMethod Method, string Budget, LossGain Loss)
{
    /// <summary>By which share of the images its top-1 is above the other's; null without labels.</summary>
    public LossGain? Top1 { get; init; }

    /// <summary>By which share its agreement with the float network is above the other's; null of no classifier.</summary>
    public LossGain? Agreement { get; init; }
}
