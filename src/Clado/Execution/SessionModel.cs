using Clado.Onnx;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace Clado.Execution;

/// <summary>
/// A model as a session takes it: one message in memory. Where that would be larger than a message can be, it is a small one whose larger
/// constants lie in temporary files. Sessions share the file of a constant that they share, and the last one to be disposed deletes it.
/// </summary>
internal sealed class SessionModel : IDisposable
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<ByteString, TensorFile> Files = new(ReferenceEqualityComparer.Instance);

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
        folder = SessionFolder.Own();
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

    private sealed record TensorFile(string Name)
    {
        public int Users { get; set; }
    }
}
