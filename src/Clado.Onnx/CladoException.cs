namespace Clado;

/// <summary>An error in what the user gave: the message is one line that says what is wrong, where, and what to do next.</summary>
/// <param name="message">The whole line, shown as it is.</param>
/// <param name="inner">What was caught underneath, if anything.</param>
public class CladoException(string message, Exception? inner = null) : Exception(message, inner);
