namespace Clado.Records;

/// <summary>A run folder that cannot be used; the message starts with the file or folder.</summary>
/// <param name="path">The file or folder at fault.</param>
/// <param name="problem">What is wrong and what to do about it.</param>
/// <param name="inner">What was caught underneath, if anything.</param>
internal sealed class RunFolderException(string path, string problem, Exception? inner = null)
    : CladoException($"{path}: {problem}", inner);
