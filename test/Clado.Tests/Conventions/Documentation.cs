using System.Reflection;
using System.Xml.Linq;

namespace Clado.Tests.Conventions;

/// <summary>What the documentation file of an assembly says of its members.</summary>
internal sealed class Documentation
{
    private readonly Dictionary<string, XElement> members;

    private Documentation(Dictionary<string, XElement> members) => this.members = members;

    /// <summary>Reads the file that the compiler wrote beside the assembly.</summary>
    public static Documentation Of(Assembly assembly) => new(
        XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(m => m.Attribute("name")!.Value));

    /// <summary>What stands above a member, or null.</summary>
    public XElement? this[MemberInfo member] => members.GetValueOrDefault(IdOf(member));

    /// <summary>What is said of a parameter: at the member, or at the record whose constructor it is; null where nothing is said.</summary>
    public string? Of(ParameterInfo parameter)
    {
        var (member, name) = (parameter.Member, parameter.Name!);
        return Text(this[member], "param", name) ?? (member is ConstructorInfo ? Text(this[member.DeclaringType!], "param", name) : null);
    }

    /// <summary>What is said of a property: at it, or at the record whose parameter it is; null where nothing is said.</summary>
    public string? Of(PropertyInfo property) => this[property]?.Value ?? Text(this[property.DeclaringType!], "param", property.Name);

    /// <summary>The name of a member in documentation files (C# specification, D.4.2).</summary>
    public static string IdOf(MemberInfo member) => member switch
    {
        Type type => $"T:{NameOf(type)}",
        FieldInfo field => $"F:{NameOf(field.DeclaringType!)}.{field.Name}",
        EventInfo happening => $"E:{NameOf(happening.DeclaringType!)}.{happening.Name}",
        PropertyInfo property => $"P:{NameOf(property.DeclaringType!)}.{property.Name}{ListOf(property.GetIndexParameters())}",
        MethodBase method => $"M:{NameOf(method.DeclaringType!)}.{method.Name.Replace('.', '#')}"
            + (method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "")
            + ListOf(method.GetParameters())
            + (method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion ? "~" + NameIn(conversion.ReturnType) : ""),
        _ => throw new ArgumentException($"{member} has no documentation of its own"),
    };

    private static string? Text(XElement? member, string kind, string name) =>
        member?.Elements(kind).FirstOrDefault(e => e.Attribute("name")?.Value == name)?.Value;

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    private static string ListOf(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(p => NameIn(p.ParameterType)))})";

    /// <summary>The name of a type in a list of parameters.</summary>
    private static string NameIn(Type type)
    {
        if (type.IsByRef)
        {
            return NameIn(type.GetElementType()!) + "@";
        }
        if (type.IsArray)
        {
            int rank = type.GetArrayRank();
            return NameIn(type.GetElementType()!) + (rank == 1 ? "[]" : $"[{string.Join(',', Enumerable.Repeat("0:", rank))}]");
        }
        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        }
        return !type.IsGenericType ? NameOf(type)
            : $"{NameOf(type.GetGenericTypeDefinition()).Split('`')[0]}{{{string.Join(',', type.GetGenericArguments().Select(NameIn))}}}";
    }
}
