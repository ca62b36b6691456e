using System.CommandLine;
using Clado.Cli.Options;
using Clado.Cli.Output;

namespace Clado.Cli.Commands;

/// <summary><c>clado compare</c>: every metric of the literature on one network, one quantizer, one solver, one evaluation.</summary>
internal static class CompareCommand
{
    public static Verb Create(Terminal terminal)
    {
        var (measuring, comparing, json) = (new MeasuringOptions(), new ComparingOptions(), CommonOptions.Json());
        var output = new Option<string?>("--output", "-o") { Description = "CSV file to write" };
        var command = new Verb(
            "compare",
            "Compare metrics: what each says of layers and widths is solved for every budget, and what would be written is evaluated. "
            + "Candidates, solver and evaluation are the same for all. Scores, choices and evaluations are kept in the run folder; "
            + "the same command goes on where it was stopped.\n\n"
            + "Example: clado compare resnet20.onnx --images calibration --evaluate test --budgets 2.5bit,3bit,4bit\n"
            + "Example: clado compare resnet20.onnx --images calibration --budgets 3bit --metrics fit,hawq,random --rounding nearest");
        measuring.AddTo(command);
        comparing.AddTo(command);
        command.Add(OptionGroup.Output, output, json);
        command.Runs((parsed, cancellation) =>
        {
            var options = measuring.Read(parsed, terminal);
            if (options.Granularity != PipelineOptions.Granularities[0])
            {
                throw new CladoException($"metrics are of layers: leave --granularity {options.Granularity} out");
            }
            var (comparison, path) = (comparing.Read(parsed, options), parsed.GetValue(output));
            Destination.CheckFile("-o", path, options.Model, [.. measuring.Files(parsed)]);
            Destination.CheckOutsideRun("-o", path, options.Run);
            Destination.CheckOutsideImages("-o", path, options.Images);
            Destination.CheckOutsideImages("-o", path, comparison.Images ?? options.Images);
            var prepared = MeasureCommand.Prepare(options);
            // Budgets that are none are known before anything is measured.
            foreach (var budget in comparison.Budgets)
            {
                prepared.Try(budget);
            }
            var job = prepared.ComparisonJob(terminal, comparison);
            terminal.Show(prepared);
            var run = prepared.Measure(job, cancellation);
            var (found, infeasible) = run.Compare(comparison, job, cancellation);
            foreach (var result in infeasible)
            {
                terminal.Refuse(result.Infeasibility!);
            }
            foreach (var metric in found.Metrics.Where(metric => metric.Problem is not null))
            {
                terminal.Message($"{metric.Name}: not compared: {metric.Problem}");
            }
            if (path is not null)
            {
                found.WriteCsv(path);
                terminal.Message($"written: {path}");
            }
            if (parsed.GetValue(json))
            {
                terminal.Json(found.ToJson());
            }
            else
            {
                terminal.Show(found);
            }
            return infeasible.Count == 0 ? App.Done : App.No;
        });
        return command;
    }
}
