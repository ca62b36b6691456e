using Clado.Cli;

using var signals = new StopSignals();
return App.Run(args, Console.Out, Console.Error, signals.Token);
