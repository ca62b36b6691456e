#!/usr/bin/env -S dotnet run
#:project ../../src/Clado/Clado.csproj
#:property PublishAot=false

// Quantizes a model to a size: dotnet run quantize.cs MODEL.onnx IMAGES PREPROCESS BUDGET OUT.onnx
using Clado;
using Clado.Images;

var run = Pipeline.Measure(new PipelineOptions { Model = args[0], Images = args[1], Preprocessing = Preprocessing.Parse(args[2]) });
var allocation = run.Allocate(args[3]);
if (allocation.Infeasibility is { } reason)
{
    Console.Error.WriteLine(reason);
    return 1;
}
using var deployment = run.Deploy(allocation, args[4], evaluate: true);
var model = deployment.Commit();
Console.WriteLine(FormattableString.Invariant($"{model.SizeBytes} bytes, {allocation.BitsPerWeight:0.00} bits a weight"));
Console.WriteLine(FormattableString.Invariant($"loss increase {model.Evaluation!.LossIncrease:0.0000}"));
return 0;
