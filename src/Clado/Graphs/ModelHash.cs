using System.Security.Cryptography;
using Clado.Onnx;
using Google.Protobuf;

namespace Clado.Graphs;

/// <summary>Names a model by its contents.</summary>
internal static class ModelHash
{
    /// <summary>
    /// SHA-256 of the serialised model, external data included: lower-case hexadecimal. Of a model that no message holds it is that of
    /// what is around the initializers, then of each of them.
    /// </summary>
    public static string Compute(ModelProto model)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            if (model.SizeBytes() <= OnnxFile.MaximumSizeBytes)
            {
                model.WriteTo(stream);
            }
            else
            {
                var shell = model.Clone();
                shell.Graph.Initializer.Clear();
                foreach (var part in model.Graph.Initializer.Prepend<IMessage>(shell))
                {
                    part.WriteTo(stream);
                }
            }
        }
        return Convert.ToHexStringLower(sha.Hash!);
    }
}
