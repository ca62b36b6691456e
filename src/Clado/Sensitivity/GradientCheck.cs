namespace Clado.Sensitivity;

/// <summary>What some candidates of a width lose, as gradients say and as it was measured: the sums of their loss increases.</summary>
/// <param name="Bits">The width. Range: [2, 8].</param>
/// <param name="CandidateCount">Candidates compared: those of which gradients say that they lose most. Range: [1, inf).</param>
/// <param name="Predicted">Sum by gradients, in the unit of the loss.</param>
/// <param name="Measured">Sum by forward passes on the same images, in the unit of the loss.</param>
public sealed record GradientCheck(int Bits, int CandidateCount, double Predicted, double Measured)
{
    // Choices differ by far more than this between neighbouring widths.
    private const double Tolerance = 0.25;

    /// <summary>Whether the sums are so close that the width's candidates were not measured forward: within 25 %.</summary>
    public bool Agrees => Math.Abs(Measured - Predicted) <= Tolerance * Math.Abs(Predicted);
}
