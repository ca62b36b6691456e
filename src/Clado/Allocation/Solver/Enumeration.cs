using System.Numerics.Tensors;

namespace Clado.Allocation.Solver;

/// <summary>Looks at every choice of a few free layers, depth first, with the sums of the chosen rows carried along.</summary>
internal static class Enumeration
{
    /// <summary>The best choice within the budgets.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="allowed">Candidates left. Shape: [n].</param>
    /// <param name="free">Layers with more than one. Shape: [free layers].</param>
    /// <returns>The choice, null where none keeps the budgets, and its objective, infinite then.</returns>
    public static (int[]? Choice, double Objective) Least(AllocationProblem problem, bool[] allowed, int[] free)
    {
        int n = problem.CandidateCount;
        int[] choice = [.. Enumerable.Range(0, problem.LayerCount).Select(layer => Array.IndexOf(allowed, true, problem.Start[layer]))];
        var field = new double[n];
        double fixedObjective = 0;
        foreach (int chosen in choice.Where((_, layer) => !free.Contains(layer)))
        {
            fixedObjective += problem.Matrix[(chosen * n) + chosen] + (2 * field[chosen]);
            TensorPrimitives.Add(field, problem.Matrix.AsSpan(chosen * n, n), field);
        }
        int[]? best = null;
        double least = double.PositiveInfinity;
        Descend(0, field, fixedObjective);
        return (best, best is null ? least : problem.Objective(best));

        void Descend(int depth, double[] sums, double objective)
        {
            if (depth == free.Length)
            {
                if (objective < least && problem.IsFeasible(choice))
                {
                    (best, least) = ([.. choice], objective);
                }
                return;
            }
            int layer = free[depth];
            var next = new double[n];
            for (int a = problem.Start[layer]; a < problem.Start[layer + 1]; a++)
            {
                if (allowed[a])
                {
                    choice[layer] = a;
                    TensorPrimitives.Add(sums, problem.Matrix.AsSpan(a * n, n), next);
                    Descend(depth + 1, next, objective + problem.Matrix[(a * n) + a] + (2 * sums[a]));
                }
            }
        }
    }
}
