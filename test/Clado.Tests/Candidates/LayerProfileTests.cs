using Clado.Candidates;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Candidates;

public class LayerProfileTests
{
    [Fact]
    public void EveryWeightIsCountedWhereItLies()
    {
        var graph = NetworkBuilder.SmallClassifier().BuildGraph();
        var candidates = Harness.Candidates(graph, 2, 4, 8);
        var profiles = LayerProfile.Of(graph, candidates);
        Assert.Equal(candidates.Layers.Select(layer => layer.Name), profiles.Select(own => own.Layer));
        // conv1 and conv2 end where the branches meet again.
        Assert.Equal(profiles.Select(own => own.Block).Order(), profiles.Select(own => own.Block));
        foreach (var (profile, layer) in profiles.Zip(candidates.Layers))
        {
            Assert.True(profile.MeanSquare > 0);
            foreach (var width in profile.Widths)
            {
                var candidate = candidates.Items.Single(c => c.Layer == layer && c.Bits == width.Bits);
                Assert.True(width.IsSound);
                Assert.Equal(layer.Parameters, width.Weights.Sum());
                Assert.Equal(width.Bits > 4 ? 0 : layer.Parameters, width.Codes.Sum());
                int most = Array.IndexOf([.. width.Codes], width.Codes.DefaultIfEmpty().Max()) - (1 << (width.Bits - 1));
                Assert.True(width.Codes.Count == 0 || candidate.Codes.CountBy(code => (int)code).MaxBy(own => own.Value).Value
                    == candidate.Codes.Count(code => code == most));
            }
        }
    }

    /// <summary>One channel of scale 1 by hand: 60 parts of [−2.5, 2.5] steps, 12 a step.</summary>
    [Fact]
    public void PartsAreTwelfthsOfAStepAtTwoBits()
    {
        var layer = Harness.Candidates(NetworkBuilder.SmallClassifier().BuildGraph(), 2).Layers[0] with { Shape = [1, 4], ChannelAxis = 0 };
        var candidate = new Candidate { Layer = layer, Bits = 2, Codes = [-2, 0, 1, 1], Scales = [1], SizeBytes = 1, SquaredError = 0 };
        var profile = WidthProfile.Of([-9, 0.01f, 1.01f, 9], candidate);
        Assert.Equal([0, 30, 42, 59], profile.Weights.Index().Where(part => part.Item > 0).Select(part => part.Index));
        Assert.Equal([1, 0, 1, 2], profile.Codes);
    }
}
