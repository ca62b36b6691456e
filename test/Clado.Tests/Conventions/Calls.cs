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
        string TypeOf(MemberReference member) => metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name);
        return metadata.MemberReferences.Select(metadata.GetMemberReference)
            .Where(member => member.Parent.Kind == HandleKind.TypeReference)
            .Select(member => $"{TypeOf(member)}.{metadata.GetString(member.Name)}").ToHashSet();
    }

    /// <summary>The types, outermost ones, whose methods call some of the same assembly's.</summary>
    public static IReadOnlySet<string> Callers(Assembly assembly, string[] called)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        string Outermost(TypeDefinitionHandle type) =>
            metadata.GetTypeDefinition(type) is var definition && definition.GetDeclaringType() is { IsNil: false } outer
                ? Outermost(outer)
                : metadata.GetString(definition.Name);
        string TypeOf(MethodDefinition method) => metadata.GetString(metadata.GetTypeDefinition(method.GetDeclaringType()).Name);
        var methods = metadata.MethodDefinitions.Select(handle => (Handle: handle, Method: metadata.GetMethodDefinition(handle))).ToArray();
        int[] tokens =
        [
            .. methods.Where(m => called.Contains($"{TypeOf(m.Method)}.{metadata.GetString(m.Method.Name)}"))
                .Select(m => System.Reflection.Metadata.Ecma335.MetadataTokens.GetToken(m.Handle)),
        ];
        byte[]? CodeOf(MethodDefinition method) =>
            method.RelativeVirtualAddress == 0 ? null : file.GetMethodBody(method.RelativeVirtualAddress).GetILBytes();
        return methods.Where(m => IsCaller(CodeOf(m.Method), tokens)).Select(m => Outermost(m.Method.GetDeclaringType())).ToHashSet();
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
