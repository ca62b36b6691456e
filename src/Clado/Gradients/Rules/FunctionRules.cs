
namespace Clado.Gradients.Rules;

/// <summary>Functions of one number: the gradient is multiplied by the derivative.</summary>
internal static class FunctionRules
{
    public static Dictionary<string, GradientRule> Table { get; } = new Dictionary<string, Func<Value, Value, Value>>
    {
        ["Abs"] = (x, _) => x.Sign(),
        ["Acos"] = (x, _) => -1 / (1 - x.Square()).Sqrt(),
        ["Acosh"] = (x, _) => 1 / (x.Square() - 1).Sqrt(),
        ["Asin"] = (x, _) => 1 / (1 - x.Square()).Sqrt(),
        ["Asinh"] = (x, _) => 1 / (x.Square() + 1).Sqrt(),
        ["Atan"] = (x, _) => 1 / (x.Square() + 1),
        ["Atanh"] = (x, _) => 1 / (1 - x.Square()),
        ["Cos"] = (x, _) => -x.Then("Sin"),
        ["Cosh"] = (x, _) => x.Then("Sinh"),
        ["Erf"] = (x, _) => (-x.Square()).Exp() * (2 / MathF.Sqrt(MathF.PI)),
        ["Exp"] = (_, y) => y,
        ["Log"] = (x, _) => 1 / x,
        ["Reciprocal"] = (_, y) => -y.Square(),
        ["Sin"] = (x, _) => x.Then("Cos"),
        ["Sinh"] = (x, _) => x.Then("Cosh"),
        ["Sqrt"] = (_, y) => 0.5f / y,
        ["Tan"] = (_, y) => 1 + y.Square(),
        ["Tanh"] = (_, y) => 1 - y.Square(),
    }.Select(pair => KeyValuePair.Create<string, GradientRule>(pair.Key, at => at.Give(0, at.G * pair.Value(at.X(0), at.Y))))
        .Append(KeyValuePair.Create<string, GradientRule>("Neg", at => at.Give(0, -at.G)))
        .ToDictionary();
}
