namespace Clado.Graphs;

/// <summary>
/// How the elements of an output are scores of classes: element e is of class (e / stride) mod count. A change of shape that moves no
/// element changes nothing of it.
/// </summary>
/// <param name="Count">Number of classes. Range: [1, inf).</param>
/// <param name="Stride">Elements between two classes of a place. Range: [1, inf).</param>
/// <param name="IsExclusive">Whether one class of each place is right (Softmax); else each class is right or wrong (Sigmoid).</param>
internal sealed record ClassLayout(int Count, int Stride, bool IsExclusive)
{
    /// <summary>The layout along an axis; null where there is none.</summary>
    /// <param name="info">The tensor.</param>
    /// <param name="axis">The axis, from the end where it is negative.</param>
    /// <param name="isExclusive">Whether one class of each place is right.</param>
    public static ClassLayout? Along(TensorInfo info, long axis, bool isExclusive)
    {
        int rank = info.Shape.Count, own = (int)(axis < 0 ? axis + rank : axis);
        if (own < 0 || own >= rank || info.Batched[own] || info.ElementCount is 0 or > int.MaxValue)
        {
            return null;
        }
        long stride = info.Shape.Skip(own + 1).Aggregate(1L, (product, dim) => product * dim);
        return new ClassLayout((int)info.Shape[own], (int)stride, isExclusive);
    }
}
