using Clado.Graphs;
using Clado.Layers;
using Clado.Packing;
using Clado.Rounding;

namespace Clado.Benchmarks;

/// <summary>What of a written file are codes of weights, and what everything else takes.</summary>
internal static class FrameBytes
{
    private const int Bits = 3;

    /// <summary>Prints a line a model.</summary>
    /// <param name="models">Paths of the models. Shape: [models].</param>
    public static void Show(IEnumerable<string> models)
    {
        Console.WriteLine($"\nBytes of a file with all layers at {Bits} bits\n\n"
            + "| model | layers | file | codes | beside codes | functions |\n|---|---|---|---|---|---|");
        foreach (var model in models)
        {
            try
            {
                Line(model);
            }
            catch (CladoException e)
            {
                Console.Error.WriteLine(e.Message);
            }
        }
    }

    /// <summary>Prints what the functions of widths take.</summary>
    public static void ShowFunctions()
    {
        Console.WriteLine("\n| bits | weight | codes of a group of rows |\n|---|---|---|");
        for (int bits = 2; bits <= 8; bits++)
        {
            var layout = WeightLayout.Of(bits, PipelineOptions.Opsets[0]);
            int Size(Unpacking unpacking) => UnpackingFunction.Build(layout, PipelineOptions.Opsets[0], unpacking).CalculateSize();
            Console.WriteLine($"| {bits} | {Size(Unpacking.ForKernels)} | {(bits < 8 ? Size(Unpacking.Codes) : 0)} |");
        }
        Console.WriteLine($"| joining | {JoiningFunction.Build(PipelineOptions.Opsets[0]).CalculateSize()} | |");
    }

    private static void Line(string path)
    {
        var space = CompactForms.Of(SearchSpace.Of(Graph.Read(path), [Bits], []), keepsNames: false);
        var (graph, layers) = (space.Graph, space.Layers.Layers);
        var names = new TensorNames(graph);
        long codes = layers.Sum(layer => (layer.Parameters * Bits + 7) / 8);
        long weights = layers.Sum(layer => WeightSize.Of(layer, Bits, names, graph.Opset));
        var sizes = new FileSize(graph, layers);
        long file = sizes.Predict(weights, [Bits]), functions = file - sizes.Predict(weights, []);
        Console.WriteLine(
            $"| {Path.GetFileNameWithoutExtension(path)} | {layers.Count} | {file:N0} | {codes:N0} "
                + $"| {100.0 * (file - codes) / codes:0.0} % | {functions:N0} |");
    }
}
