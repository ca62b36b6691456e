using Clado.Reports;
using CsCheck;
using Xunit;

namespace Clado.Tests.Reports;

public class LayerNamesTests
{
    private static readonly string[] Parts = ["a", "Conv", "a.0", "b", "", "Conv_1"];

    [Theory]
    [InlineData("/layer1/layer1.0/conv1/Conv,/layer1/layer1.0/conv2/Conv,/fc/Gemm", "layer1.0/conv1,layer1.0/conv2,fc")]
    [InlineData("/model/a/Conv,/model/a/Conv_1", "Conv,Conv_1")]
    [InlineData("Conv_0,Conv_1", "Conv_0,Conv_1")]
    [InlineData("conv1", "conv1")]
    [InlineData("/", "/")]
    public void ExportersNamesGetShort(string names, string expected)
    {
        string[] all = names.Split(',');
        string[] ops = [.. all.Select(name => name.Contains("Gemm", StringComparison.Ordinal) ? "Gemm" : "Conv")];
        Assert.Equal(expected.Split(','), LayerNames.Short(all, ops));
    }

    [Theory]
    [InlineData("layer1.0/conv1,layer1.0/conv2", "layer1.0")]
    [InlineData("blocks.3/a,blocks.4/b", "blocks")]
    [InlineData("conv1,fc", "conv1 … fc")]
    [InlineData("conv1", "conv1")]
    public void NeighboursAreCalledByWhatTheyShare(string names, string expected) =>
        Assert.Equal(expected, LayerNames.Together(names.Split(',')));

    /// <summary>Whatever layers are called, they stay apart, and each keeps a name.</summary>
    [Fact]
    public void NoTwoLayersGetOneName() =>
        Gen.Int[0, 5].Array[1, 4].Select(path => string.Join('/', path.Select(part => Parts[part]))).Array[1, 8]
            .Sample(names =>
            {
                string[] distinct = [.. names.Distinct()];
                var shortened = LayerNames.Short(distinct, [.. distinct.Select(_ => "Conv")]);
                Assert.Equal(distinct.Length, shortened.Distinct().Count());
                Assert.Equal(distinct.Length, shortened.Count);
                Assert.All(shortened.Zip(distinct), pair => Assert.True(pair.First.Length <= pair.Second.Length));
            });
}
