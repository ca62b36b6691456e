using Clado.Execution;
using Clado.Onnx;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Onnx;

/// <summary>
/// What is being written is removed by who ends in the middle: for the whole process, so no other test may write meanwhile.
/// </summary>
[CollectionDefinition(nameof(AbandonTests), DisableParallelization = true)]
[Collection(nameof(AbandonTests))]
public sealed class AbandonTests : IDisposable
{
    private readonly long limit = OnnxFile.LargestBytes;
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        OnnxFile.LargestBytes = limit;
        folder.Dispose();
    }

    [Fact]
    public void FilesThatAreBeingWrittenAreRemovedByWhoEndsInTheMiddle()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "an open file cannot be removed there");
        Assert.Throws<FileNotFoundException>(() => AtomicFile.Write(folder["file.txt"], stream =>
        {
            stream.WriteByte(1);
            Assert.Single(Directory.EnumerateFiles(folder.Path));
            AtomicFile.Abandon(() => { });
            Assert.Empty(Directory.EnumerateFiles(folder.Path));
        }));
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    /// <summary>Data of a large model is there before the model has its name, and of no use to anybody then.</summary>
    [Fact]
    public void DataOfAModelThatIsNotThereYetIsRemoved()
    {
        OnnxFile.LargestBytes = 2000;
        OnnxFile.Write(NetworkBuilder.SmallClassifier(1).Build(), folder["old.onnx"]);
        string[] before = [.. Directory.GetFiles(folder.Path).Order()];
        using (OnnxFile.Stage(NetworkBuilder.SmallClassifier(2).Build(), folder["new.onnx"]))
        {
            Assert.Equal(4, Directory.GetFiles(folder.Path).Length);
            AtomicFile.Abandon(() => { });
            Assert.Equal(before, Directory.GetFiles(folder.Path).Order());
        }
        var written = NetworkBuilder.SmallClassifier(3).Build();
        OnnxFile.Write(written, folder["new.onnx"]);
        AtomicFile.Abandon(() => { });
        Assert.Equal(written, OnnxFile.Read(folder["new.onnx"]));
    }

    /// <summary>Two tries that come to the same contents share their data, until the last of them is given up.</summary>
    [Fact]
    public void DataOfTwoTriesIsThereWhileOneNeedsIt()
    {
        OnnxFile.LargestBytes = 2000;
        var model = NetworkBuilder.SmallClassifier().Build();
        using (var first = OnnxFile.Stage(model, folder["m.onnx"]))
        {
            var second = OnnxFile.Stage(model, folder["m.onnx"]);
            second.Dispose();
            Assert.Equal(model, OnnxFile.Read(first.Path));
            using var third = OnnxFile.Stage(model, folder["m.onnx"]);
            third.Commit();
        }
        Assert.Equal(model, OnnxFile.Read(folder["m.onnx"]));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        using (OnnxFile.Stage(model, folder["n.onnx"]))
        {
            using var second = OnnxFile.Stage(model, folder["n.onnx"]);
        }
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }

    /// <summary>Whether a folder can be written to is tried with a file, which is one of those that must not be begun any more.</summary>
    [Fact]
    public async Task LookingWhetherAFolderCanBeWrittenToBeginsNothingWhileTheProgramEnds()
    {
        Task? looking = null;
        AtomicFile.Abandon(() =>
        {
            looking = Task.Run(() => Destination.CheckFolder("-o", folder.Path), TestContext.Current.CancellationToken);
            Thread.Sleep(500);
            Assert.False(looking.IsCompleted);
        });
        await looking!;
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    /// <summary>Folders of sessions too large for memory: of those who were killed, whose number may be ours now, and our own.</summary>
    [Fact]
    public void FoldersOfSessionsAreRemoved()
    {
        var left = Directory.CreateDirectory(folder[$"clado-tensors-{Environment.ProcessId}-left"]).FullName;
        File.WriteAllText(Path.Combine(left, "tensor"), "of a process that had this number before");
        var home = SessionFolder.Make(folder.Path);
        Assert.Equal([home], Directory.GetFileSystemEntries(folder.Path));
        File.WriteAllText(Path.Combine(home, "tensor"), "ours");
        AtomicFile.Abandon(() => { });
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
