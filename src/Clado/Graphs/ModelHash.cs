using System.Security.Cryptography;
using Clado.Onnx;
using Google.Protobuf;

namespace Clado.Graphs;

/// <summary>Names a model by its contents.</summary>
internal static class ModelHash
{
    /// <summary>SHA-256 of the serialised model, external data included: lower-case hexadecimal.</summary>
    public static string Compute(ModelProto model)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        {
            model.WriteTo(stream);
        }
        return Convert.ToHexStringLower(sha.Hash!);
    }
}
