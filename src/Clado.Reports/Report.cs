using Clado.Runs;

namespace Clado.Reports;

/// <summary>What a run folder knows, for people: an HTML page and figures. Nothing but the run folder is read.</summary>
public sealed class Report
{
    private readonly RunFolder folder;
    private readonly ReportData data;

    private Report(RunFolder folder, Func<string, string> words) => (this.folder, data) = (folder, ReportReader.Read(folder, words));

    /// <summary>Path of the model that was measured; it need not be there any more.</summary>
    public string ModelPath => folder.Description.ModelPath;

    /// <summary>Reads a run folder whose measurement is finished.</summary>
    /// <param name="run">Path of the run folder.</param>
    /// <param name="words">What becomes of sentences that name the library's settings; null where they stay as they are.</param>
    /// <exception cref="CladoException">The folder is no run folder, or not finished.</exception>
    public static Report Read(string run, Func<string, string>? words = null) => new(RunFolder.Open(run), words ?? (text => text));

    /// <summary>Checks that figures can be drawn.</summary>
    /// <exception cref="CladoException">The system has no font to write text with.</exception>
    public static void CheckFont() => FigureFont.Use();

    /// <summary>The page: one HTML document that loads nothing.</summary>
    public string ToHtml() => Page.Of(data);

    /// <summary>Writes the page.</summary>
    /// <param name="path">Destination.</param>
    public void Write(string path) => AtomicFile.WriteText(path, ToHtml());

    /// <summary>Writes the page into the run folder.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="CladoException">The folder is read-only.</exception>
    public string WriteToRun() => folder.WritePage(ToHtml());

    /// <summary>Writes the figures, each as SVG and as PNG.</summary>
    /// <param name="folder">Destination.</param>
    /// <returns>Paths of the files. Shape: [files].</returns>
    /// <exception cref="CladoException">The system has no font to write text with.</exception>
    public IReadOnlyList<string> WriteFigures(string folder) => Figures.Write(data, folder);
}
