using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Evaluation;
using Clado.Execution;

namespace Clado.Cli.Commands;

/// <summary>
/// <c>clado evaluate</c>: top-1, top-5, loss and agreement of a file on ONNX Runtime; of what is no classifier, how much of its
/// reference's answers it keeps.
/// </summary>
internal static class EvaluateCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (model, images, json) = (CommonOptions.Model(), CommonOptions.Images("images to evaluate on"), CommonOptions.Json());
        var (preprocess, threads) = (CommonOptions.Preprocess(), CommonOptions.Threads());
        var (seed, labelOffset) = (CommonOptions.Seed(), CommonOptions.LabelOffset());
        var limit = CommonOptions.Limit("accuracies are those of the whole folder where nothing is said", new(null));
        var (feeding, task, loss) = (new ModelInputOptions(), CommonOptions.Task(), CommonOptions.Loss());
        var reference = new Option<string>("--reference") { Description = "The FP32 model to compare with" };
        var threshold = new Option<double>("--score-threshold")
        {
            Description = "The least score of a detection that is compared with the reference's, and of a place of a map of one class",
            DefaultValueFactory = _ => new EvaluationOptions { Images = "" }.ScoreThreshold,
            CustomParser = CommonOptions.Number,
        };
        var latency = new Option<bool>("--latency")
        {
            Description = "Time runs on one image with --threads threads, alternately with the reference: the median",
        };
        var provider = CommonOptions.Provider(
            "Where --latency times runs: cpu, cuda (an NVIDIA GPU), or auto: cuda where it is there; "
            + "what a model answers is looked at on the CPU",
            Provider.Cpu);
        var command = new Verb(
            "evaluate",
            "Run a model file on images: top-1, top-5, loss, agreement with a reference, time. Of what is no classifier: errors of the "
            + "outputs against the reference, and its task's measure (detections kept, mean IoU, cosine, PSNR).\n\n"
            + "Example: clado evaluate resnet20-3bit.onnx --images test --reference resnet20.onnx")
        {
            model,
        };
        command.Add(OptionGroup.Input, images, reference, preprocess, limit, seed, labelOffset);
        feeding.AddTo(command);
        command.Add(OptionGroup.Measuring, task, loss, threshold, latency, provider, threads);
        command.Add(OptionGroup.Output, json);
        command.Runs((parsed, cancellation) =>
        {
            var options = new EvaluationOptions
            {
                Images = parsed.GetRequiredValue(images),
                Limit = parsed.GetValue(limit).Count,
                Seed = parsed.GetValue(seed),
                LabelOffset = parsed.GetValue(labelOffset) ?? 0,
                Preprocessing = CommonOptions.PreprocessingOf(parsed.GetRequiredValue(preprocess)),
                Inputs = feeding.Read(parsed),
                Task = CommonOptions.TaskOf(parsed.GetValue(task)),
                Loss = parsed.GetValue(loss),
                Reference = parsed.GetValue(reference),
                ScoreThreshold = parsed.GetValue(threshold),
                Resources = new Resources { Threads = CommonOptions.ThreadCount(parsed.GetValue(threads)) },
            };
            var timedOn = CommonOptions.ProviderOf(parsed.GetRequiredValue(provider));
            if (!parsed.GetValue(latency) && timedOn == Provider.Cuda)
            {
                throw new CladoException("--provider cuda: it says where runs are timed; give --latency with it");
            }
            (timedOn, var place) = parsed.GetValue(latency) ? Providers.Decide(timedOn) : (Provider.Cpu, null);
            var result = Evaluator.Evaluate(parsed.GetRequiredValue(model), options, terminal.Stage("evaluating"), cancellation);
            terminal.ShowTask(result.TaskSentence);
            terminal.ShowNotes([.. result.Notes, .. place is null ? (string[])[] : [place]]);
            result = parsed.GetValue(latency) ? Timed(result, options, timedOn, cancellation) : result;
            terminal.ShowLabelHint(result);
            if (parsed.GetValue(json))
            {
                terminal.Json(result.ToJson());
            }
            else
            {
                terminal.Show(result);
            }
            return App.Done;
        });
        return command;
    }

    private static EvaluationResult Timed(
        EvaluationResult result, EvaluationOptions options, Provider provider, CancellationToken cancellation)
    {
        string[] paths = [.. new[] { result.Model, options.Reference }.OfType<string>()];
        // At the size it was evaluated at.
        var inputs = options.Inputs with { Size = null, Shape = result.InputShape };
        var times = Evaluator.MeasureLatency(paths, options.Resources.Threads, inputs, provider, cancellation);
        return result with { LatencyMilliseconds = times[0], ReferenceLatencyMilliseconds = times.Count > 1 ? times[1] : null };
    }
}
