namespace Clado.Curves;

/// <summary>What files, tables and figures need to know of a way to choose bits.</summary>
/// <param name="Method">The method.</param>
/// <param name="Name">Its name in JSON, CSV and style sheets.</param>
/// <param name="Legend">Its name in the legend of a figure.</param>
/// <param name="IsCurve">
/// Whether its points lie on a curve, so that a line may join them; else they are networks by themselves.
/// </param>
internal sealed record CurveMethodInfo(CurveMethod Method, string Name, string Legend, bool IsCurve);

/// <summary>The ways to choose the bits of a curve's points: the one place that knows their names, their legends and their order.</summary>
internal static class CurveMethods
{
    /// <summary>All methods, in the order of tables. Figures draw them in reverse order, so that the first lies on top.</summary>
    public static IReadOnlyList<CurveMethodInfo> All { get; } =
    [
        new(CurveMethod.Clado, "clado", "Clado", IsCurve: true),
        new(CurveMethod.Diagonal, "diagonal", "diagonal", IsCurve: true),
        new(CurveMethod.Uniform, "uniform", "uniform width", IsCurve: false),
    ];

    /// <summary>What is known of a method.</summary>
    /// <param name="method">The method.</param>
    public static CurveMethodInfo Info(this CurveMethod method) => All.First(info => info.Method == method);

    /// <summary>Position of a method among <see cref="All"/>.</summary>
    /// <param name="method">The method.</param>
    public static int Order(this CurveMethod method) => All.Index().First(info => info.Item.Method == method).Index;
}
