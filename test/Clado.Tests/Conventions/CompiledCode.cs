using System.Reflection;
using System.Reflection.Emit;

namespace Clado.Tests.Conventions;

/// <summary>
/// Reads methods as the compiler wrote them: what text hides, by bare names or by what a language fills in, stands there.
/// </summary>
internal static class CompiledCode
{
    /// <summary>Every member a type has of its own, private ones included.</summary>
    public const BindingFlags Own =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> Codes =
        typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (OpCode)f.GetValue(null)!)
            .ToDictionary(c => c.Value);

    /// <summary>Methods and constructors of a type.</summary>
    public static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors(Own));

    /// <summary>The methods that a method calls, or takes the address of, in order.</summary>
    public static IEnumerable<MethodBase> Calls(MethodBase method) => Members(method).OfType<MethodBase>();

    /// <summary>The types, methods and fields that a method names, in order.</summary>
    public static IEnumerable<MemberInfo> Members(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } il)
        {
            yield break;
        }
        var types = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var own = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < il.Length;)
        {
            short value = il[at++];
            var code = Codes[value == 0xFE ? (short)((0xFE << 8) | il[at++]) : value];
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                yield return method.Module.ResolveMember(BitConverter.ToInt32(il, at), types, own)!;
            }
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
        }
    }
}
