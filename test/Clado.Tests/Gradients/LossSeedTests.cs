using Clado.Gradients;
using Clado.Tests.Support;
using Xunit;
using static Clado.Tests.Gradients.NamedRuns;

namespace Clado.Tests.Gradients;

/// <summary>Seeds that are gradients of losses.</summary>
public class LossSeedTests
{
    /// <summary>Losses against differences of their definitions.</summary>
    [Theory]
    [InlineData("kl")]
    [InlineData("ce")]
    [InlineData("mse")]
    public void Losses(string loss)
    {
        var net = new NetworkBuilder(1, input: [4]);
        net.Weight("w", 4, 5);
        net.Add("MatMul", ["x", "w"], "y");
        float[] weights = [0.1f, 0.2f, 0.3f, 0.4f, 0.5f];
        Seed seed = loss switch
        {
            "kl" => new LossSeeds.KullbackLeibler("y", "target"),
            "ce" => new LossSeeds.CrossEntropy("y", "labels"),
            _ => new LossSeeds.Squared("y", "target", weights),
        };
        var made = GradientGraph.Of(net.BuildGraph("y"), [seed], ["y"]);
        var random = new Random(3);
        var x = Differences.Normal(random, 8);
        var target = Differences.Normal(random, 10);
        int[] labels = [3, 1];
        var y = Run(net.Model, new() { ["x"] = x }, 2, 5)["y"];
        var gradient = Run(made.Model, new() { ["x"] = x, ["target"] = target, ["labels"] = [3, 1] }, 2, 5)[made.Gradient("y")];
        double Loss(double[] z) => Enumerable.Range(0, 2).Sum(image =>
        {
            double[] row = [.. z.Skip(image * 5).Take(5)], aim = [.. target.Skip(image * 5).Take(5).Select(v => (double)v)];
            double log = Math.Log(row.Sum(Math.Exp)), logAim = Math.Log(aim.Sum(Math.Exp));
            return loss switch
            {
                "kl" => row.Zip(aim, (a, b) => Math.Exp(b - logAim) * (b - logAim - a + log)).Sum(),
                "ce" => log - row[labels[image]],
                _ => row.Zip(aim, (a, b) => (a - b) * (a - b)).Zip(weights, (square, weight) => square * weight).Sum(),
            };
        });
        for (int i = 0; i < y.Length; i++)
        {
            double[] above = [.. y.Select((v, k) => v + (k == i ? 1e-4 : 0))], below = [.. y.Select((v, k) => v - (k == i ? 1e-4 : 0))];
            Assert.Equal((Loss(above) - Loss(below)) / 2e-4, gradient[i], 4);
        }
    }

    /// <summary>The loss of a map of classes is one a pixel: their mean.</summary>
    [Fact]
    public void LossesOfMaps()
    {
        var net = new NetworkBuilder(1, input: [3, 2, 2]);
        net.Then("Tanh", "y");
        var made = GradientGraph.Of(net.BuildGraph("y"), [new LossSeeds.KullbackLeibler("y", "target", 1)], ["y"]);
        var random = new Random(3);
        var x = Differences.Normal(random, 12);
        var target = Differences.Normal(random, 12);
        var gradient = Run(made.Model, new() { ["x"] = x, ["target"] = target }, 1, 3,
            new() { ["x"] = [1, 3, 2, 2], ["target"] = [1, 3, 2, 2] })[made.Gradient("y")];
        double[] P(float[] z, int pixel)
        {
            double[] e = [.. Enumerable.Range(0, 3).Select(k => Math.Exp(z[(k * 4) + pixel]))];
            return [.. e.Select(v => v / e.Sum())];
        }
        var y = x.Select(MathF.Tanh).ToArray();
        for (int pixel = 0; pixel < 4; pixel++)
        {
            for (int k = 0; k < 3; k++)
            {
                Assert.Equal((P(y, pixel)[k] - P(target, pixel)[k]) / 4, gradient[(k * 4) + pixel], 5);
            }
        }
    }
}
