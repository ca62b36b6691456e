using Clado.Cli;
using Clado.Cli.Output;

using var signals = new StopSignals();
try
{
    int code = App.Run(args, Console.Out, Console.Error, cancellation: signals.Token);
    return code == App.Stopped ? signals.ExitCode : code;
}
catch (Exception e) when (Environment.GetEnvironmentVariable(Problems.TraceVariable) != "1")
{
    Console.Error.WriteLine($"clado: {Problems.OfDefect(e)}");
    return App.Error;
}
