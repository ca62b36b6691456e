using System.Collections;

namespace Clado.Execution;

/// <summary>Things that are disposed together; those made already, too, when making the next one fails.</summary>
/// <typeparam name="T">What is owned.</typeparam>
internal sealed class OwnedList<T> : IReadOnlyList<T>, IDisposable where T : IDisposable
{
    private readonly List<T> items = [];

    /// <summary>Takes things over as they are made.</summary>
    /// <param name="items">Makes them, one after the other.</param>
    public OwnedList(IEnumerable<T> items)
    {
        try
        {
            foreach (var item in items)
            {
                this.items.Add(item);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Count => items.Count;

    public T this[int index] => items[index];

    public IEnumerator<T> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (var item in items)
        {
            item.Dispose();
        }
    }
}
