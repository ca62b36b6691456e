using System.CommandLine;

namespace Clado.Cli.Commands;

/// <summary>What options of a verb are about: help lists them so.</summary>
internal enum OptionGroup
{
    /// <summary>What is read.</summary>
    Input,

    /// <summary>What the answer must keep.</summary>
    Budget,

    /// <summary>How it is measured, and with what.</summary>
    Measuring,

    /// <summary>What comes out.</summary>
    Output,
}

/// <summary>A verb of the command line, whose options are in groups.</summary>
/// <param name="name">The verb.</param>
/// <param name="description">What it does, in paragraphs; the last ones are examples.</param>
internal sealed class Verb(string name, string description) : Command(name, description)
{
    private readonly Dictionary<Option, OptionGroup> groups = [];

    /// <summary>Adds options.</summary>
    /// <param name="group">What they are about.</param>
    /// <param name="options">Shape: [options].</param>
    public void Add(OptionGroup group, params IEnumerable<Option> options)
    {
        foreach (var option in options)
        {
            Options.Add(option);
            groups.Add(option, group);
        }
    }

    /// <summary>Its options of a group, in the order in which they were added; null for those of none. Shape: [options].</summary>
    public IEnumerable<Option> Of(OptionGroup? group) =>
        Options.Where(option => groups.TryGetValue(option, out var own) ? own == group : group is null);
}
