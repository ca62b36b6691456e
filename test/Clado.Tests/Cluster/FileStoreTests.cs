using System.Security.Cryptography;
using Clado.Cluster.Serving;
using Clado.Tests.Support;
using CsCheck;
using Xunit;

namespace Clado.Tests.Cluster;

/// <summary>What a worker keeps on its disk.</summary>
public class FileStoreTests
{
    /// <summary>On a disk that loses or turns bits, by a hand or a crash.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFileThatWasDamagedIsNotServed(bool isShorter)
    {
        using var folder = new TemporaryFolder();
        var (bytes, hash) = Made(new Random(1), 100);
        using (var store = new FileStore(folder.Path, 1 << 20))
        {
            store.Put(hash, 100, 0, bytes, Nothing);
        }
        var path = Directory.GetFiles(folder.Path, hash, SearchOption.AllDirectories).Single();
        File.WriteAllBytes(path, isShorter ? bytes[..40] : [.. bytes[..99], (byte)~bytes[99]]);
        using var again = new FileStore(folder.Path, 1 << 20);
        Assert.Null(again.Open(hash));
        Assert.Equal(0, again.Held(hash));
        Assert.Equal(100, again.Put(hash, 100, 0, bytes, Nothing));
        Assert.Equal(bytes, Read(again, hash));
    }

    private static readonly HashSet<string> Nothing = [];

    /// <summary>In whatever parts it comes, repeated, out of order, by whatever number of processes one after another.</summary>
    [Fact]
    public void AFileIsWholeHoweverItComes() => Gen.Select(Gen.Int[1, 5000], Gen.Int[0, 100_000]).Sample((length, seed) =>
    {
        using var folder = new TemporaryFolder();
        var random = new Random(seed);
        var (bytes, hash) = Made(random, length);
        var store = new FileStore(folder.Path, 1 << 20);
        long held = 0;
        while (held < length)
        {
            if (random.Next(4) == 0)
            {
                // The process ends and another takes its place.
                store.Dispose();
                store = new(folder.Path, 1 << 20);
            }
            Assert.Equal(held, store.Held(hash));
            Assert.Null(store.Open(hash));
            long elsewhere = held + random.Next(-5, 6);
            if (elsewhere != held && elsewhere >= 0 && elsewhere < length)
            {
                Assert.Equal(held, store.Put(hash, length, elsewhere, bytes[(int)elsewhere..], Nothing));
            }
            var part = bytes[(int)held..Math.Min(length, (int)held + random.Next(1, 2000))];
            held = store.Put(hash, length, held, part, Nothing);
        }
        Assert.Equal(length, store.Held(hash));
        Assert.Equal(bytes, Read(store, hash));
        Assert.Equal(length, store.Put(hash, length, 0, [1, 2, 3], Nothing));
        Assert.Equal(bytes, Read(store, hash));
        store.Dispose();
    }, iter: 30);

    /// <summary>As long as nobody needs more at once; those that were used longest ago go first.</summary>
    [Fact]
    public void ItIsBounded() => Gen.Select(Gen.Int[1, 4], Gen.Int[0, 100_000]).Sample((neededCount, seed) =>
    {
        using var folder = new TemporaryFolder();
        const int Length = 1000, Most = 5 * Length;
        var random = new Random(seed);
        using var store = new FileStore(folder.Path, Most);
        var needed = new HashSet<string>();
        var order = new List<string>();
        for (int i = 0; i < 15; i++)
        {
            var (bytes, hash) = Made(random, Length);
            if (needed.Count < neededCount)
            {
                needed.Add(hash);
            }
            Assert.Equal(Length, store.Put(hash, Length, 0, bytes, needed));
            Assert.InRange(store.Bytes, 0, Most);
            order.Add(hash);
            Assert.All(needed, name => Assert.Equal(Length, store.Held(name)));
            Assert.Equal(Length, store.Held(hash));
        }
        Assert.Equal(Most, store.Bytes);
        // One that is used stays, and the others go in their order.
        var left = order.Where(name => store.Held(name) > 0 && !needed.Contains(name)).ToArray();
        Thread.Sleep(20);
        Read(store, left[0]);
        var (last, newest) = Made(random, Length);
        store.Put(newest, Length, 0, last, needed);
        Assert.Equal(left.Length == 1 ? 0 : Length, store.Held(left[0]));
        Assert.Equal(0, store.Held(left[left.Length == 1 ? 0 : 1]));
    }, iter: 5);

    [Fact]
    public void WhatIsNeededStaysThoughItIsMoreThanIsKept()
    {
        using var folder = new TemporaryFolder();
        using var store = new FileStore(folder.Path, 1500);
        var random = new Random(1);
        (byte[] Bytes, string Hash)[] files = [.. Enumerable.Range(0, 4).Select(_ => Made(random, 1000))];
        var needed = files.Select(file => file.Hash).ToHashSet();
        Assert.All(files, file => store.Put(file.Hash, 1000, 0, file.Bytes, needed));
        Assert.All(files, file => Assert.Equal(file.Bytes, Read(store, file.Hash)));
        var (other, name) = Made(random, 1000);
        store.Put(name, 1000, 0, other, Nothing);
        Assert.InRange(store.Bytes, 1000, 1500);
        Assert.Equal(other, Read(store, name));
    }

    [Fact]
    public void AFileWithAnotherHashIsThrownAway()
    {
        using var folder = new TemporaryFolder();
        using var store = new FileStore(folder.Path, 1 << 20);
        var (bytes, hash) = Made(new Random(1), 100);
        byte[] wrong = [.. bytes[..50], .. bytes[..50]];
        Assert.Equal(50, store.Put(hash, 100, 0, wrong[..50], Nothing));
        Assert.Equal(0, store.Put(hash, 100, 50, wrong[50..], Nothing));
        Assert.Equal((0, 0), (store.Held(hash), store.Bytes));
        Assert.Null(store.Open(hash));
        Assert.Equal(0, store.Put(hash, 100, 0, [.. bytes, 1], Nothing));
        Assert.Equal(100, store.Put(hash, 100, 0, bytes, Nothing));
        Assert.Equal(bytes, Read(store, hash));
    }

    [Theory]
    [InlineData("")]
    [InlineData("lock")]
    [InlineData("../../../../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("../0000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000\0")]
    [InlineData("ABCDEF0000000000000000000000000000000000000000000000000000000000")]
    [InlineData("00000000000000000000000000000000/0000000000000000000000000000000")]
    public void NamesThatAreNoHashesAreRefused(string name)
    {
        using var folder = new TemporaryFolder();
        using var store = new FileStore(folder.Path, 1 << 20);
        Assert.Throws<ArgumentException>(() => store.Held(name));
        Assert.Throws<ArgumentException>(() => store.Open(name));
        Assert.Throws<ArgumentException>(() => store.Put(name, 1, 0, [1], Nothing));
        Assert.Equal(["lock"], Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
    }

    [Fact]
    public void TwoAtATimeHaveAFolderEach()
    {
        using var folder = new TemporaryFolder();
        var (bytes, hash) = Made(new Random(1), 10);
        using var first = new FileStore(folder.Path, 1 << 20);
        first.Put(hash, 10, 0, bytes, Nothing);
        using var second = new FileStore(folder.Path, 1 << 20);
        Assert.Equal((10, 0), (first.Held(hash), second.Held(hash)));
        File.WriteAllText(folder["file"], "");
        Assert.Contains("cannot be written", Assert.Throws<CladoException>(() => new FileStore(folder["file"], 1)).Message,
            StringComparison.Ordinal);
    }

    private static (byte[] Bytes, string Hash) Made(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return (bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    private static byte[] Read(FileStore store, string hash)
    {
        using var stream = store.Open(hash);
        Assert.NotNull(stream);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
