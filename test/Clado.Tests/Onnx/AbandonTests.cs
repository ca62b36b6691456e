using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Onnx;

/// <summary>What is being written is removed by who ends in the middle: for the whole process, so no other test may write meanwhile.</summary>
[CollectionDefinition(nameof(AbandonTests), DisableParallelization = true)]
[Collection(nameof(AbandonTests))]
public class AbandonTests
{
    [Fact]
    public void FilesThatAreBeingWrittenAreRemovedByWhoEndsInTheMiddle()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "an open file cannot be removed there");
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => AtomicFile.Write(folder["file.txt"], stream =>
        {
            stream.WriteByte(1);
            Assert.Single(Directory.EnumerateFiles(folder.Path));
            AtomicFile.Abandon(() => { });
            Assert.Empty(Directory.EnumerateFiles(folder.Path));
        }));
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }
}
