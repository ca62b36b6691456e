namespace Clado.Records;

/// <summary>
/// Finished units of measuring work, by key. Recording is idempotent, and results are always formed from the records: they do not depend on
/// when, where or how often a run was interrupted. Safe to use from several threads.
/// </summary>
/// <remarks>Values have the byte order of the machine. A store of many machines must see to it that all of them have the same.</remarks>
internal interface IRecordStore : IDisposable
{
    /// <summary>The values of a unit: from the records, or computed now and recorded.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <param name="compute">Measures the unit. Shape: [values].</param>
    /// <param name="count">Values the unit has, where that is known: a record of others does not count. Range: [0, inf).</param>
    /// <returns>Shape: [values].</returns>
    /// <exception cref="CladoException">The store cannot be read or written.</exception>
    T[] GetOrAdd<T>(string key, Func<T[]> compute, int? count = null) where T : unmanaged;

    /// <summary>The values of a unit that is recorded, or null.</summary>
    /// <typeparam name="T">Type of the values.</typeparam>
    /// <param name="key">Name of the unit.</param>
    /// <param name="count">Values the unit has, where that is known: a record of others does not count. Range: [0, inf).</param>
    /// <returns>Shape: [values].</returns>
    /// <exception cref="CladoException">The store cannot be read.</exception>
    T[]? Find<T>(string key, int? count = null) where T : unmanaged;

    /// <summary>Forgets units whose result has gone into another record.</summary>
    /// <param name="prefix">Beginning of their keys.</param>
    /// <exception cref="CladoException">The store cannot be written.</exception>
    void Remove(string prefix);
}
