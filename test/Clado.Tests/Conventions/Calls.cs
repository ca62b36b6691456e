using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Clado.Tests.Conventions;

/// <summary>Who calls what, read from built assemblies. Methods are called TYPE.METHOD, without namespaces.</summary>
internal static class Calls
{
    private const byte Call = 0x28;
    private const byte CallVirtual = 0x6F;

    /// <summary>The methods of other assemblies that one refers to.</summary>
    public static IReadOnlySet<string> References(Assembly assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        return metadata.MemberReferences.Select(metadata.GetMemberReference).Where(member => member.Parent.Kind == HandleKind.TypeReference)
            .Select(member => $"{metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name)}.{metadata.GetString(member.Name)}").ToHashSet();
    }

    /// <summary>The types, outermost ones, whose methods call some of the same assembly's.</summary>
    public static IReadOnlySet<string> Callers(Assembly assembly, string[] called)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        string Outermost(TypeDefinitionHandle type) => metadata.GetTypeDefinition(type) is var definition && definition.GetDeclaringType() is { IsNil: false } outer
            ? Outermost(outer)
            : metadata.GetString(definition.Name);
        var methods = metadata.MethodDefinitions.Select(handle => (Handle: handle, Method: metadata.GetMethodDefinition(handle))).ToArray();
        int[] tokens =
        [
            .. methods.Where(m => called.Contains($"{metadata.GetString(metadata.GetTypeDefinition(m.Method.GetDeclaringType()).Name)}.{metadata.GetString(m.Method.Name)}"))
                .Select(m => System.Reflection.Metadata.Ecma335.MetadataTokens.GetToken(m.Handle)),
        ];
        return methods.Where(m => m.Method.RelativeVirtualAddress != 0 && IsCaller(file.GetMethodBody(m.Method.RelativeVirtualAddress).GetILBytes(), tokens))
            .Select(m => Outermost(m.Method.GetDeclaringType())).ToHashSet();
    }

    private static bool IsCaller(ReadOnlySpan<byte> code, int[] tokens)
    {
        for (int i = 0; i + 4 < code.Length; i++)
        {
            if (code[i] is Call or CallVirtual && tokens.Contains(BinaryPrimitives.ReadInt32LittleEndian(code[(i + 1)..])))
            {
                return true;
            }
        }
        return false;
    }
}
