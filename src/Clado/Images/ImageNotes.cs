using Clado.Graphs;
using static System.FormattableString;

namespace Clado.Images;

/// <summary>What is not as somebody may think of images and what becomes of them.</summary>
internal static class ImageNotes
{
    /// <summary>Sentences, if any.</summary>
    /// <param name="images">The images.</param>
    /// <param name="graph">The network that takes them.</param>
    /// <param name="preprocessing">What was asked for.</param>
    public static IEnumerable<string> Of(ImageSet images, Graph graph, Preprocessing preprocessing)
    {
        if (images.Items.Count == ImageSet.DefaultLimit && images.Found > ImageSet.DefaultLimit)
        {
            yield return Invariant($"{ImageSet.DefaultLimit:N0} of {images.Found:N0} images in {images.Folder} are used, ")
                + $"drawn by their names; {Settings.Limit} all uses every one";
        }
        if (images.Skipped is { } skipped)
        {
            yield return $"{images.Folder}: {skipped}";
        }
        if (preprocessing.For(graph.Inputs.TakesBytes) != preprocessing)
        {
            yield return $"{Path.GetFileName(graph.File)} takes bytes, of which {Settings.Preprocessing} would leave next to nothing: "
                + "pixels go in as they are";
        }
    }
}
