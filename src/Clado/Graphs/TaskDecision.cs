namespace Clado.Graphs;

/// <summary>What a network was found, or said, to be for.</summary>
/// <param name="Task">The task.</param>
/// <param name="Reason">Why, as the end of a sentence that begins with "since".</param>
internal sealed record TaskDecision(NetworkTask Task, string Reason)
{
    /// <summary>What was decided and why, in a sentence without its end.</summary>
    public string Sentence => $"{Name}, since {Reason}" + (IsCertain ? "" : "; if it is for something else, give the task");

    /// <summary>Name of the task, as on the command line.</summary>
    public string Name => NameOf(Task);

    /// <summary>Names of the tasks. Shape: [tasks].</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Enum.GetValues<NetworkTask>().Select(NameOf)];

    /// <summary>The task of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    public static NetworkTask Named(string name) => Enum.GetValues<NetworkTask>().First(task => NameOf(task) == name);

    /// <summary>Whether nothing speaks for another task.</summary>
    public bool IsCertain { get; init; } = true;

    /// <summary>Whether outputs are probabilities that no Softmax of the graph gives: their logarithms are the scores.</summary>
    public bool HoldsProbabilities { get; init; }

    /// <summary>Name of a task.</summary>
    /// <param name="task">The task.</param>
    public static string NameOf(NetworkTask task) => $"{task}".ToLowerInvariant();
}
