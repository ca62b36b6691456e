using System.Diagnostics;
using System.Globalization;
using Clado.Onnx;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>
/// A model as a session takes it: one message in memory or, where that would be larger than a message can be, a small one whose larger constants lie in temporary files. Sessions
/// share the file of a constant that they share, and the last one to be disposed deletes it. Those of a program that was killed are deleted by the next one.
/// </summary>
internal sealed class SessionModel : IDisposable
{
    private const string Prefix = "clado-tensors-";

    private static readonly Lock Gate = new();
    private static readonly Dictionary<ByteString, TensorFile> Files = new(ReferenceEqualityComparer.Instance);
    private static string? home;

    private readonly List<ByteString> used = [];
    private readonly string? folder;
    private byte[] bytes;

    /// <summary>Serialises a model.</summary>
    /// <param name="model">The model; it stays as it is.</param>
    public SessionModel(ModelProto model)
    {
        if (model.SizeBytes() <= OnnxFile.LargestBytes)
        {
            bytes = model.ToByteArray();
            return;
        }
        folder = Home();
        (var outside, bytes) = (model.Clone(), []);
        try
        {
            foreach (var tensor in outside.Graph.Initializer.Where(ExternalData.IsLarge))
            {
                ExternalData.Refer(tensor, Use(tensor.RawData), 0);
                tensor.ClearRawData();
            }
            bytes = outside.ToByteArray();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Makes the session, once: the message is let go.</summary>
    /// <param name="options">Of which this model adds where its constants lie.</param>
    public InferenceSession Open(SessionOptions options)
    {
        if (folder is not null)
        {
            options.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder);
        }
        var session = new InferenceSession(bytes, options);
        bytes = [];
        return session;
    }

    /// <summary>Gives up the files.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            foreach (var constant in used)
            {
                var file = Files[constant];
                if (--file.Users == 0)
                {
                    Files.Remove(constant);
                    File.Delete(Path.Combine(folder!, file.Name));
                }
            }
            used.Clear();
        }
    }

    private string Use(ByteString constant)
    {
        lock (Gate)
        {
            if (!Files.TryGetValue(constant, out var file))
            {
                file = new TensorFile($"{Guid.NewGuid():N}");
                using (var stream = new FileStream(Path.Combine(folder!, file.Name), FileMode.CreateNew, FileAccess.Write))
                {
                    stream.Write(constant.Span);
                }
                Files.Add(constant, file);
            }
            file.Users++;
            used.Add(constant);
            return file.Name;
        }
    }

    /// <summary>This process's folder, which is there.</summary>
    private static string Home()
    {
        lock (Gate)
        {
            return home = Directory.Exists(home) ? home : MakeHome(Path.GetTempPath());
        }
    }

    /// <summary>Makes this process's folder, and removes those of processes that were killed.</summary>
    /// <param name="parent">Where they lie.</param>
    /// <returns>Path of the folder; it goes when the process ends.</returns>
    internal static string MakeHome(string parent)
    {
        foreach (var left in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            // One of our own number, before we have any, is of somebody who had it before: in a container everybody has the same.
            if (int.TryParse(Path.GetFileName(left)[Prefix.Length..].Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
                && (process == Environment.ProcessId || !IsRunning(process)))
            {
                Remove(left);
            }
        }
        var made = AtomicFile.BeginFolder(parent, $"{Prefix}{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(made);
        return made;
    }

    /// <summary>Removes a folder, unless it is another user's or in use: it is in nobody's way.</summary>
    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private sealed record TensorFile(string Name)
    {
        public int Users { get; set; }
    }
}
