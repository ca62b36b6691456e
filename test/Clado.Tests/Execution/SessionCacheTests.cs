using Clado.Execution;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Execution;

public class SessionCacheTests
{
    [Fact]
    public void TheOnesUnusedForLongestGoAndThoseInUseStay()
    {
        var model = NetworkBuilder.SmallClassifier().Build();
        var made = new List<string>();
        using var cache = new SessionCache<string>(limitBytes: 20);
        int Use(string key, Func<GraphSession, int>? use = null) => cache.Use(
            key, 10,
            () =>
            {
                made.Add(key);
                return new GraphSession(model, "m.onnx");
            },
            use ?? (_ => 0));

        Use("a");
        Use("b");
        Use("a");
        Use("c");
        Assert.Equal(["a", "b", "c"], made);
        Use("a");
        Assert.Equal(3, made.Count);
        Use("b");
        Assert.Equal(["a", "b", "c", "b"], made);
        // While b is in use, others come and go around it; it still runs.
        Use("b", session =>
        {
            Use("d");
            Use("e");
            Use("f");
            return session.Outputs.Count;
        });
        made.Clear();
        Use("b");
        Assert.Empty(made);
    }
}
