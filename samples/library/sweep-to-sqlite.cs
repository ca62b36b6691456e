#!/usr/bin/env -S dotnet run
#:project ../../src/Clado/Clado.csproj
#:property PublishAot=false

// Puts a size–accuracy curve into a database, and asks it:
// dotnet run sweep-to-sqlite.cs MODEL.onnx IMAGES PREPROCESS BUDGET,BUDGET… OUT.sqlite
using Clado;
using Clado.Curves;
using Clado.Images;
using Microsoft.Data.Sqlite;

var run = Pipeline.Measure(new PipelineOptions { Model = args[0], Images = args[1], Preprocessing = Preprocessing.Parse(args[2]) });
var (curve, infeasible) = run.Sweep(new SweepOptions { Budgets = args[3].Split(',') });
foreach (var budget in infeasible)
{
    Console.Error.WriteLine(budget.Infeasibility);
}
using var database = new SqliteConnection($"Data Source={args[4]};Pooling=False");
database.Open();
object? Sql(string text, params (string Name, object? Value)[] values)
{
    using var command = database.CreateCommand();
    command.CommandText = text;
    foreach (var (name, value) in values)
    {
        command.Parameters.AddWithValue(name, value ?? DBNull.Value);
    }
    return command.ExecuteScalar();
}

Sql("CREATE TABLE IF NOT EXISTS points (method TEXT, budget TEXT, bytes INTEGER, loss REAL, agreement REAL, PRIMARY KEY (method, budget))");
foreach (var point in curve.Points)
{
    Sql("INSERT OR REPLACE INTO points VALUES ($method, $budget, $bytes, $loss, $agreement)",
        ("$method", $"{point.Method}"), ("$budget", point.Budget), ("$bytes", point.SizeBytes), ("$loss", point.MeasuredLoss),
        ("$agreement", point.Agreement));
}
var smallest = Sql("SELECT min(bytes) FROM points WHERE method = 'Clado' AND agreement > 0.9");
Console.WriteLine($"{curve.Points.Count} points; the smallest that agrees with FP32 on 90 %: {smallest} bytes");
