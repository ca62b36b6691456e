using Clado.Execution;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Execution;

public class SessionCacheTests
{
    [Fact]
    public void TheFirstOnesStayThroughEveryRoundAndThoseInUseAreSafe()
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

        // Round after round of the same five: what fits stays from the first round on.
        for (int round = 0; round < 3; round++)
        {
            foreach (var key in (string[])["a", "b", "c", "d", "e"])
            {
                Use(key);
            }
        }
        Assert.Equal(["a", "b", "c", "d", "e", "c", "d", "e", "c", "d", "e"], made);
        // While c is in use, others come and go around it; it still runs.
        Use("c", session =>
        {
            Use("d");
            Use("e");
            Use("f");
            return session.Outputs.Count;
        });
        made.Clear();
        Use("a");
        Assert.Empty(made);
    }
}
