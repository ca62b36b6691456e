using System.Collections.Concurrent;
using Clado.Execution;
using Microsoft.Win32.SafeHandles;

namespace Clado.Images;

/// <summary>
/// Images as they were decoded and sized, in a temporary file: the stages of a run look at the same ones again and again. What does not
/// fit is decoded every time.
/// </summary>
/// <param name="largestBytes">Bytes of the file at most. Range: [0, inf).</param>
internal sealed class DecodedImages(long largestBytes = DecodedImages.LargestBytes)
{
    // 28,000 images of 224 × 224 pixels: more than sensitivities are measured on, less than a disk has to spare.
    private const long LargestBytes = 4L << 30;

    private readonly ConcurrentDictionary<Key, long> offsets = new();
    private readonly Lock gate = new();
    private SafeFileHandle? file;
    private long end;
    private bool isFull;

    /// <summary>The pixels of an image, if it was decoded before.</summary>
    /// <param name="key">Which image, and how it is decoded.</param>
    /// <param name="pixels">Receives them. Shape: [pixels · 4].</param>
    public bool TryRead(Key key, Span<byte> pixels)
    {
        if (!offsets.TryGetValue(key, out long offset))
        {
            return false;
        }
        int read = 0;
        while (read < pixels.Length && RandomAccess.Read(file!, pixels[read..], offset + read) is > 0 and var more)
        {
            read += more;
        }
        return read == pixels.Length;
    }

    /// <summary>Keeps the pixels of an image, where there is room.</summary>
    /// <param name="key">Which image, and how it was decoded.</param>
    /// <param name="pixels">Red, green, blue and alpha, a byte each. Shape: [pixels · 4].</param>
    public void Keep(Key key, ReadOnlySpan<byte> pixels)
    {
        if (!Reserve(pixels.Length, out long offset))
        {
            return;
        }
        try
        {
            RandomAccess.Write(file!, pixels, offset);
            offsets.TryAdd(key, offset);
        }
        catch (IOException)
        {
            // A full disk costs time, not the run.
            isFull = true;
        }
    }

    private bool Reserve(int length, out long offset)
    {
        lock (gate)
        {
            (offset, isFull) = (end, isFull || end + length > largestBytes);
            if (isFull)
            {
                return false;
            }
            try
            {
                file ??= File.OpenHandle(
                    Path.Combine(SessionFolder.Own(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None,
                    FileOptions.DeleteOnClose | FileOptions.RandomAccess);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                isFull = true;
                return false;
            }
            end += length;
            return true;
        }
    }

    /// <summary>An image, and how it is decoded.</summary>
    /// <param name="Path">Path of its file.</param>
    /// <param name="Shape">What the network takes.</param>
    /// <param name="Resize">Short side before the crop; null for the default.</param>
    /// <param name="Crops">Whether the centre is cropped.</param>
    /// <param name="MakesGray">Whether colours will become grey.</param>
    internal readonly record struct Key(string Path, ImageShape Shape, int? Resize, bool Crops, bool MakesGray);
}
