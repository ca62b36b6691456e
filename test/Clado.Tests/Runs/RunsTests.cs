using Clado.Records;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Runs;

public class RunsTests
{
    [Fact]
    public void SafetensorsComeBackAsWritten()
    {
        var file = new Safetensors();
        file.Add("a", [1.5, double.NaN, -0.0], 3);
        file.Add("codes", (sbyte[])[-2, 1, 0, 1], 2, 2);
        file.Metadata["note"] = "ü \"quoted\"";
        using var written = new MemoryStream();
        file.Write(written);
        var bytes = written.ToArray();
        var read = Safetensors.Read(new MemoryStream(bytes));
        Assert.Equal([1.5, double.NaN, -0.0], read.Get<double>("a", 3));
        Assert.Equal((sbyte[])[-2, 1, 0, 1], read.Get<sbyte>("codes", 4));
        Assert.Equal("ü \"quoted\"", read.Metadata["note"]);
        for (int length = 0; length < bytes.Length; length += 3)
        {
            Assert.Throws<DamagedFileException>(
                () => DamagedFileException.Guard("cut.safetensors", "file", () => Safetensors.Read(new MemoryStream(bytes[..length]))));
        }
    }

    [Fact]
    public void RecordsAreKeptAndComputedOnce()
    {
        using var folder = new TemporaryFolder();
        int computed = 0;
        double[] Unit()
        {
            computed++;
            return [1, 2, 3];
        }

        for (int open = 0; open < 3; open++)
        {
            using var records = new RecordStore(folder["r.sqlite"]);
            Assert.Equal([1, 2, 3], records.GetOrAdd("1/2", Unit));
        }
        Assert.Equal(1, computed);
        using var again = new RecordStore(folder["r.sqlite"]);
        again.GetOrAdd("10/2", Unit);
        again.Remove("1/");
        again.GetOrAdd("1/2", Unit);
        again.GetOrAdd("10/2", Unit);
        Assert.Equal(3, computed);
        File.WriteAllText(folder["text.sqlite"], new string('x', 5000));
        Assert.Throws<RunFolderException>(() => new RecordStore(folder["text.sqlite"]));
    }

    [Fact]
    public void AFileIsWrittenWholeOrNotAtAll()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.WriteText(folder["sub/f.txt"], "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(folder["sub/f.txt"], stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(folder["sub/f.txt"]));
        Assert.Single(Directory.GetFiles(folder["sub"]));
    }
}
