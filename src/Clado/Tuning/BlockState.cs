using Clado.Candidates;

namespace Clado.Tuning;

/// <summary>Where tuning stands after a block.</summary>
/// <param name="Chosen">The layers as they are now. Shape: [tuned layers].</param>
/// <param name="Errors">
/// Mean error of what each block that is done gives, on the images held back, before and after it was tuned. Shape: [blocks done][2].
/// </param>
internal sealed record BlockState(IReadOnlyList<Candidate> Chosen, IReadOnlyList<double[]> Errors)
{
    /// <summary>Blocks that are better, and so are kept.</summary>
    public int Better => Errors.Count(own => own[1] < own[0]);
}
