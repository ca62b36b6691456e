using Clado.Candidates;
using Clado.Records;
using Clado.Sensitivity;

namespace Clado.Runs;

/// <content>Products of rows (output channels).</content>
internal sealed partial class RunFolder
{
    /// <summary>What rows cost, or null where they were not measured.</summary>
    /// <param name="candidates">The candidates of the run that have one width each.</param>
    /// <exception cref="RunFolderException">It is damaged, or missing.</exception>
    public ChannelSensitivities? ReadRows(CandidateSet candidates) =>
        Description.Rows || Description.MixesRows ? files.ReadExpected(Products.Rows(candidates)) : null;

    public void WriteRows(ChannelSensitivities rows, CandidateSet candidates) => files.Write(Products.Rows(candidates), rows);

    /// <summary>Widths of rows inside layers, or null where they are not chosen yet, or not wanted.</summary>
    /// <param name="candidates">The candidates of the run that have one width each.</param>
    /// <returns>Shape: [layers][mixtures][channels].</returns>
    public IReadOnlyList<IReadOnlyList<int[]>>? ReadMixtures(CandidateSet candidates) =>
        Description.MixesRows ? files.ReadExpected(Products.Mixtures(candidates)) : null;

    public void WriteMixtures(IReadOnlyList<IReadOnlyList<int[]>> mixtures, CandidateSet candidates) =>
        files.Write(Products.Mixtures(candidates), mixtures);
}
