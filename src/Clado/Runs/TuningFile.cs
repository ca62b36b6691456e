using System.Globalization;
using Clado.Candidates;
using Clado.Records;
using Clado.Tuning;

namespace Clado.Runs;

/// <summary>Where tuning stands, as <c>tuning.safetensors</c> holds it: of one choice, the last that was tuned.</summary>
internal static class TuningFile
{
    private const string TaskName = "task", EpochName = "epoch", BestName = "best";

    private static readonly string[] Names =
        ["codes", "codes/mean", "codes/square", "scales", "scales/mean", "scales/square", "bias", "bias/mean", "bias/square"];

    public static Safetensors Of(TuningState state, string key)
    {
        var file = new Safetensors();
        file.Metadata[TaskName] = key;
        file.Metadata[EpochName] = state.Epoch.ToString(CultureInfo.InvariantCulture);
        file.Metadata[BestName] = state.Best.ToString(CultureInfo.InvariantCulture);
        foreach (var (layer, chosen) in state.Layers.Zip(state.Chosen))
        {
            foreach (var (name, values) in Names.Zip(layer.Arrays))
            {
                file.Add($"{chosen.Layer.Name}/{name}", values, values.Length);
            }
            Add(file, chosen);
        }
        foreach (var (i, losses) in state.Losses.Index())
        {
            file.Add(string.Create(CultureInfo.InvariantCulture, $"losses/{i}"), losses, losses.Length);
        }
        return file;
    }

    /// <summary>Adds what a layer is.</summary>
    public static void Add(Safetensors file, Candidate chosen)
    {
        file.Add($"{chosen.Layer.Name}/chosen/codes", chosen.Codes, chosen.Codes.Length);
        file.Add($"{chosen.Layer.Name}/chosen/scales", chosen.Scales, chosen.Scales.Length);
        file.Add($"{chosen.Layer.Name}/chosen/bias", chosen.Bias ?? [], chosen.Bias?.Length ?? 0);
    }

    /// <summary>Reads where tuning of some layers stands.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="key">Names what is tuned.</param>
    /// <param name="tuned">The candidates it begins with. Shape: [tuned layers].</param>
    /// <param name="images">Images held back.</param>
    /// <param name="epochs">Epochs of it.</param>
    /// <returns>null where the file is of something else.</returns>
    /// <exception cref="InvalidDataException">It cannot be a state of these layers.</exception>
    public static TuningState? Read(Stream stream, string key, IReadOnlyList<Candidate> tuned, int images, int epochs)
    {
        var file = Safetensors.Read(stream);
        if (!file.Metadata.TryGetValue(TaskName, out var task) || task != key)
        {
            return null;
        }
        int epoch = Number(file, EpochName), best = Number(file, BestName);
        return best <= epoch && epoch <= epochs
            ? new TuningState(
                epoch, [.. tuned.Select(layer => LayerOf(file, layer))], best, [.. tuned.Select(layer => ChosenOf(file, layer))],
                [file.Get<double>("losses/0", images), file.Get<double>("losses/1", images)])
            : throw new InvalidDataException($"epoch {epoch}, best {best}");
    }

    /// <summary>A number that stands beside the arrays.</summary>
    /// <exception cref="InvalidDataException">It is missing.</exception>
    public static int Number(Safetensors file, string name) => file.Metadata.TryGetValue(name, out var text)
        ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
        : throw new InvalidDataException($"no {name}");

    private static LayerState LayerOf(Safetensors file, Candidate start)
    {
        long[] counts = [start.Codes.Length, start.Scales.Length, start.Bias?.Length ?? 0];
        float[][] arrays = [.. Names.Select((name, i) => file.Get<float>($"{start.Layer.Name}/{name}", counts[i / 3]))];
        return arrays.All(array => array.All(float.IsFinite))
            ? LayerState.Of(arrays)
            : throw new InvalidDataException($"numbers of '{start.Layer.Name}' that are not finite");
    }

    /// <summary>What a layer is.</summary>
    /// <param name="file">The file.</param>
    /// <param name="start">The candidate that tuning began with.</param>
    /// <exception cref="InvalidDataException">It cannot be one of this layer.</exception>
    public static Candidate ChosenOf(Safetensors file, Candidate start)
    {
        var name = start.Layer.Name + "/chosen";
        var chosen = start with
        {
            Codes = file.Get<sbyte>(name + "/codes", start.Codes.Length),
            Scales = file.Get<float>(name + "/scales", start.Scales.Length),
            Bias = start.Bias is null ? null : file.Get<float>(name + "/bias", start.Bias.Length),
        };
        return CandidateFile.Problem(chosen, name) is { } problem ? throw new InvalidDataException(problem) : chosen;
    }
}
