using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;
using Clado.Evaluation;
using Clado.Execution;
using Clado.Images;

namespace Clado.Cli.Commands;

/// <summary>
/// <c>clado evaluate</c>: top-1, top-5, loss and agreement of a file on ONNX Runtime; of what is no classifier, how much of its
/// reference's answers it keeps.
/// </summary>
internal static class EvaluateCommand
{
    public static Command Create(Terminal terminal)
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
        var command = new Command(
            "evaluate",
            "Run a model file on images: top-1, top-5, loss, agreement with a reference, time. Of what is no classifier: errors of the "
            + "outputs against the reference, and its task's measure (detections kept, mean IoU, cosine, PSNR).\n\n"
            + "Example: clado evaluate resnet20-3bit.onnx --images test --reference resnet20.onnx")
        {
            model, images, reference, threshold, latency, preprocess, limit, seed, labelOffset, task, loss, threads, json,
        };
        feeding.AddTo(command);
        command.Runs((parsed, cancellation) =>
        {
            var options = new EvaluationOptions
            {
                Images = parsed.GetRequiredValue(images),
                Limit = parsed.GetValue(limit).Count,
                Seed = parsed.GetValue(seed),
                LabelOffset = parsed.GetValue(labelOffset) ?? 0,
                Preprocessing = Preprocessing.Parse(parsed.GetRequiredValue(preprocess)),
                Inputs = feeding.Read(parsed),
                Task = CommonOptions.TaskOf(parsed.GetValue(task)),
                Loss = parsed.GetValue(loss),
                Reference = parsed.GetValue(reference),
                ScoreThreshold = parsed.GetValue(threshold),
                Resources = new Resources { Threads = CommonOptions.ThreadCount(parsed.GetValue(threads)) },
            };
            var result = Evaluator.Evaluate(parsed.GetRequiredValue(model), options, terminal.Stage("evaluating"), cancellation);
            terminal.ShowTask(result.TaskSentence);
            terminal.ShowNotes(result.Notes);
            result = parsed.GetValue(latency) ? Timed(result, options, cancellation) : result;
            terminal.ShowLabelHint(result);
            if (parsed.GetValue(json))
            {
                terminal.Data(result.ToJson());
            }
            else
            {
                terminal.Show(result);
            }
            return App.Done;
        });
        return command;
    }

    private static EvaluationResult Timed(EvaluationResult result, EvaluationOptions options, CancellationToken cancellation)
    {
        string[] paths = [.. new[] { result.Model, options.Reference }.OfType<string>()];
        // At the size it was evaluated at.
        var inputs = options.Inputs with { Size = null, Shape = result.InputShape };
        var times = Evaluator.MeasureLatency(paths, options.Resources.Threads, inputs, cancellation);
        return result with { LatencyMilliseconds = times[0], ReferenceLatencyMilliseconds = times.Count > 1 ? times[1] : null };
    }
}
