namespace Clado.Allocation.Solver;

/// <summary>What a relaxation says of the choices with each candidate.</summary>
internal sealed class CandidateBounds
{
    /// <summary>Asks a relaxation.</summary>
    /// <param name="relaxed">The relaxation.</param>
    /// <param name="bounds">Bounds of the node, which hold with each candidate too. Shape: [values].</param>
    public CandidateBounds(RelaxedNode relaxed, double[] bounds)
    {
        With = new double[relaxed.Shares.Length][];
        Estimate = new double[relaxed.Shares.Length];
        for (int c = 0; c < relaxed.Candidates.Length; c++)
        {
            int a = relaxed.Candidates[c];
            With[a] = [.. relaxed.BoundsWith(c).Zip(bounds, Math.Max)];
            Estimate[a] = relaxed.ObjectiveWith(c);
        }
    }

    /// <summary>No choice with the candidate has an objective below this; null for layers with one candidate. Shape: [n][values].</summary>
    public double[][] With { get; }

    /// <summary>About the least the relaxation can be brought to with each candidate. Shape: [n].</summary>
    public double[] Estimate { get; }

    /// <summary>Raises the bounds with a candidate.</summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="bounds">Shape: [values].</param>
    public void Raise(int candidate, double[] bounds) => With[candidate] = [.. With[candidate].Zip(bounds, Math.Max)];
}
