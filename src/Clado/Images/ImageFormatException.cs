namespace Clado.Images;

/// <summary>An image, label file or preprocessing file that cannot be used; the message starts with the file.</summary>
/// <param name="file">Path of the file or folder at fault.</param>
/// <param name="problem">What is wrong and what to do about it.</param>
/// <param name="inner">What was caught underneath, if anything.</param>
internal sealed class ImageFormatException(string file, string problem, Exception? inner = null)
    : CladoException($"{file}: {problem}", inner)
{
    /// <summary>Path of the file or folder at fault.</summary>
    public string File { get; } = file;
}
