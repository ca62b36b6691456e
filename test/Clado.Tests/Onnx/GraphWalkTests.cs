using Clado.Onnx;
using CsCheck;
using Xunit;
using static Clado.Onnx.NodeExtensions;

namespace Clado.Tests.Onnx;

public class GraphWalkTests
{
    private static readonly string[] Few = ["a", "b", "c", "d", "e", ""];

    /// <summary>Against an interpreter that binds every name at the place where it is read, from the inmost graph outwards.</summary>
    [Fact]
    public void ReadsAreTheNamesThatAreBoundOutside() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var node = RandomNode(new Random(seed), depth: 0);
        Assert.Equal(Free(node).Order(), GraphWalk.Reads(node).Distinct().Order());
    }, threads: 1);

    /// <summary>Renamed, a node reads the new name wherever it read the old one from outside, and nothing else has changed.</summary>
    [Fact]
    public void RenamingReachesWhatIsBoundOutside() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var node = RandomNode(new Random(seed), depth: 0);
        var renamed = node.Clone();
        GraphWalk.Rename(renamed, new Dictionary<string, string> { ["a"] = "new", ["b"] = "b" });
        Assert.Equal(Free(node).Select(name => name == "a" ? "new" : name).Order(), Free(renamed).Order());
        GraphWalk.Rename(renamed, new Dictionary<string, string> { ["new"] = "a" });
        Assert.Equal(node, renamed);
    }, threads: 1);

    /// <summary>
    /// Of random graphs: a node is behind a tensor where changing what the node makes changes the tensor, which is what depends on it.
    /// </summary>
    [Fact]
    public void PartsAreClosed() => Gen.Int[0, 1 << 20].Sample(seed =>
    {
        var random = new Random(seed);
        var nodes = new List<NodeProto>();
        string Any() => random.Next(nodes.Count + 2) is >= 2 and var i ? $"t{i - 2}" : "x";
        for (int i = 0; i < 8; i++)
        {
            var body = new GraphProto();
            body.Node.Add(Node("Relu", [Any()], "inner"));
            nodes.Add(Node("If", [Any()], $"t{i}", random.Next(2) == 0 ? []
                : [new AttributeProto { Name = "body", Type = AttributeProto.Types.AttributeType.Graph, G = body }]));
        }
        var walk = new GraphWalk(nodes);
        // Of a directed graph, by its closure: t i reads t j directly or by others.
        var reaches = new bool[8, 8];
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < i; j++)
            {
                reaches[i, j] = Free(nodes[i]).Contains($"t{j}") || Enumerable.Range(j + 1, i - j - 1)
                    .Any(k => Free(nodes[i]).Contains($"t{k}") && reaches[k, j]);
            }
        }
        int at = random.Next(8);
        Assert.Equal(Enumerable.Range(0, 8).Where(i => i == at || reaches[at, i]), walk.Behind([$"t{at}"], new HashSet<string>()));
        Assert.Equal(Enumerable.Range(0, 8).Where(i => reaches[i, at]), walk.DependentOn([$"t{at}"]));
        int[] part = [.. Enumerable.Range(0, 8).Where(_ => random.Next(2) == 0)];
        Assert.Equal(part.SelectMany(i => Free(nodes[i])).Distinct().Except(part.Select(i => $"t{i}")).Order(), walk.Needs(part).Order());
        Assert.Equal(Enumerable.Range(0, 8).Where(i => Free(nodes[i]).Contains($"t{at}")), walk.Readers($"t{at}"));
        Assert.Equal(at, walk.Producer($"t{at}"));
        Assert.Equal(-1, walk.Producer("x"));
    }, threads: 1);

    [Fact]
    public void BodiesAreThoseOfEveryGraphAttributeAtEveryDepth()
    {
        GraphProto Graph(string name, params NodeProto[] nodes)
        {
            var graph = new GraphProto { Name = name };
            graph.Node.Add(nodes);
            return graph;
        }

        var several = new AttributeProto { Name = "several", Type = AttributeProto.Types.AttributeType.Graphs };
        several.Graphs.Add([Graph("one", Node("Relu", ["x"], "p")), Graph("two", Node("Relu", ["y"], "q"))]);
        var three = Graph("three", Node("Inner", [], "r", several));
        var single = new AttributeProto { Name = "single", Type = AttributeProto.Types.AttributeType.Graph, G = three };
        var outer = Node("Outer", ["cond", ""], "s", single);
        Assert.Equal(["Outer", "Inner", "Relu", "Relu"], GraphWalk.AtEveryDepth([outer]).Select(n => n.OpType));
        Assert.Equal(["cond", "x", "y"], GraphWalk.Reads(outer));
        Assert.Equal(["p", "q", "r"], GraphWalk.NamesInBodies(Graph("whole", outer)).Order());
        Assert.Equal(["", "cond", "p", "q", "r", "s", "x", "y"], GraphWalk.Names(Graph("whole", outer)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void OperandsAreNamedByTheirPlace()
    {
        var node = Node("Conv", ["x", "w"], "y");
        Assert.Equal(["x", "w", "", ""], Enumerable.Range(0, 4).Select(node.Operand));
        node.SetOperand(3, "b");
        Assert.Equal(["x", "w", "", "b"], node.Operands());
        node.SetOperand(0, "z");
        Assert.Equal("z", node.Operand(0));
    }

    private static NodeProto RandomNode(Random random, int depth)
    {
        string Any() => Few[random.Next(Few.Length)];
        var node = Node("Op", [.. Enumerable.Range(0, random.Next(3)).Select(_ => Any())], Any());
        for (int i = depth < 3 ? random.Next(3) : 0; i > 0; i--)
        {
            var body = new GraphProto();
            body.Input.Add(Enumerable.Range(0, random.Next(2)).Select(_ => new ValueInfoProto { Name = Few[random.Next(5)] }));
            body.Initializer.Add(Enumerable.Range(0, random.Next(2)).Select(_ => new TensorProto { Name = Few[random.Next(5)] }));
            body.Node.Add(Enumerable.Range(0, random.Next(3)).Select(_ => RandomNode(random, depth + 1)));
            body.Output.Add(new ValueInfoProto { Name = Few[random.Next(5)] });
            node.Attribute.Add(new AttributeProto { Name = "body", Type = AttributeProto.Types.AttributeType.Graph, G = body });
        }
        return node;
    }

    /// <summary>The names a node reads of the outermost scope, each once.</summary>
    private static HashSet<string> Free(NodeProto node)
    {
        var free = new HashSet<string>();
        void Look(string name, IReadOnlyList<HashSet<string>> scopes)
        {
            if (name.Length > 0 && !scopes.Any(scope => scope.Contains(name)))
            {
                free.Add(name);
            }
        }

        void Walk(NodeProto at, IReadOnlyList<HashSet<string>> scopes)
        {
            foreach (var input in at.Input)
            {
                Look(input, scopes);
            }
            foreach (var body in at.Attribute.Select(a => a.G))
            {
                var own = new HashSet<string>(
                    [.. body.Input.Select(v => v.Name), .. body.Initializer.Select(t => t.Name), .. body.Node.SelectMany(n => n.Output)]);
                foreach (var inner in body.Node)
                {
                    Walk(inner, [own, .. scopes]);
                }
                foreach (var output in body.Output)
                {
                    Look(output.Name, [own, .. scopes]);
                }
            }
        }

        Walk(node, []);
        return free;
    }
}
