using Clado.Execution;
using Clado.Gradients;
using Clado.Graphs;
using Clado.Images;
using Clado.Inference;
using Clado.Losses;
using Clado.Onnx;
using Clado.Sensitivity;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Tuning;

/// <summary>
/// What elements of tensors within the float network matter to the loss: the diagonal of the Fisher information, in the mean over images
/// (BRECQ, arXiv 2102.05426, eq. 10, has it image by image). Gradients go back from vectors that are drawn so that their mean outer product
/// is the loss's curvature.
/// </summary>
internal static class OutputImportance
{
    /// <summary>Measures it.</summary>
    /// <param name="task">The network and its loss.</param>
    /// <param name="tensors">Names of the tensors. Shape: [tensors].</param>
    /// <param name="work">The images.</param>
    /// <returns>In the mean 1 over the elements of a tensor. Shape: [tensors][elements].</returns>
    /// <exception cref="CladoException">An output is NaN or infinite, or an operator has no gradient.</exception>
    public static IReadOnlyList<float[]> Of(TuningTask task, IReadOnlyList<string> tensors, Workload work)
    {
        var graph = LocalFunctions.Inlined(task.Graph);
        var readout = Readout.Of(task.Graph);
        var names = GraphWalk.Names(graph.Model.Graph);
        string[] seeds = [.. readout.Outputs.Select((_, output) => TunedNetwork.Free(names, $"seed_{output}"))];
        var gradient = GradientGraph.Of(
            graph, [.. readout.Outputs.Zip(seeds, (tensor, seed) => new Seed.Given(tensor, seed))], [.. tensors]);
        var (first, second) = ModelHalves.Of(graph, gradient.Model, readout.Outputs);
        using var forward = new GraphSession(first, graph.File);
        using var backward = new GraphSession(second, graph.File);
        var losses = new LossFactory(graph, readout, work.Images, task.Loss, task.Scales);
        var batches = work.Batches(graph, 1);
        double[][] sums = [.. tensors.Select(name => new double[graph.Tensors[name].ElementCount])];
        foreach (int[] group in Enumerable.Range(0, batches.Count).Chunk(Math.Max(1, work.Threads)))
        {
            var found = new float[group.Length][][];
            work.SideBySide.For(group.Length, i => found[i] = Gradients(batches.Load(group[i])));
            foreach (var (gradients, sum) in found.SelectMany(own => own.Zip(sums)))
            {
                for (int k = 0; k < sum.Length; k++)
                {
                    sum[k] += (double)gradients[k] * gradients[k];
                }
            }
        }
        return [.. sums.Select(Normalized)];

        float[][] Gradients(ImageBatch batch)
        {
            using var feed = batch.Feed();
            var values = feed.ToDictionary();
            using var outputs = forward.Run(values);
            foreach (var (name, value) in forward.Outputs.Zip(outputs))
            {
                values.TryAdd(name, value);
            }
            float[] collected = readout.Collect(
                readout.Outputs.Select(name => values[name].Singles()), batch, OutputSource.Float(graph.File));
            var vector = new float[collected.Length];
            losses.Create(collected, collected, batch).Draw(0, new Random(batch.Index), vector);
            using var seeded = new OwnedList<OrtValue>(readout.Spread(vector, collected).Zip(readout.Outputs, (seed, output) =>
                graph.Value(output, seed, 1)));
            foreach (var (name, value) in seeds.Zip(seeded))
            {
                values[name] = value;
            }
            using var gradients = backward.Run(values);
            var byName = backward.Outputs.Zip(gradients, KeyValuePair.Create).ToDictionary();
            return [.. tensors.Select(tensor => byName[gradient.Gradient(tensor)].Singles())];
        }
    }

    private static float[] Normalized(double[] sum)
    {
        double mean = sum.Average();
        return [.. sum.Select(own => (float)(mean > 0 ? own / mean : 1))];
    }
}
