using System.Globalization;
using Clado.Candidates;
using Clado.Records;
using Clado.Tuning;

namespace Clado.Runs;

/// <summary>Where tuning of blocks stands, as <c>tuning-blocks.safetensors</c> holds it: of one choice, the last that was tuned.</summary>
internal static class BlockFile
{
    private const string TaskName = "task", BlocksName = "blocks", Errors = "errors";

    public static Safetensors Of(BlockState state, string key)
    {
        var file = new Safetensors();
        file.Metadata[TaskName] = key;
        file.Metadata[BlocksName] = state.Errors.Count.ToString(CultureInfo.InvariantCulture);
        foreach (var chosen in state.Chosen)
        {
            TuningFile.Add(file, chosen);
        }
        double[] errors = [.. state.Errors.SelectMany(own => own)];
        file.Add(Errors, errors, errors.Length);
        return file;
    }

    /// <summary>Reads where tuning of some layers stands.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="key">Names what is tuned.</param>
    /// <param name="tuned">The candidates it begins with. Shape: [tuned layers].</param>
    /// <param name="blocks">Blocks there are.</param>
    /// <returns>null where the file is of something else.</returns>
    /// <exception cref="InvalidDataException">It cannot be a state of these layers.</exception>
    public static BlockState? Read(Stream stream, string key, IReadOnlyList<Candidate> tuned, int blocks)
    {
        var file = Safetensors.Read(stream);
        if (!file.Metadata.TryGetValue(TaskName, out var task) || task != key)
        {
            return null;
        }
        int done = TuningFile.Number(file, BlocksName);
        double[] errors = file.Get<double>(Errors, 2 * done);
        return done <= blocks
            ? new BlockState([.. tuned.Select(layer => TuningFile.ChosenOf(file, layer))], [.. errors.Chunk(2)])
            : throw new InvalidDataException($"block {done} of {blocks}");
    }
}
