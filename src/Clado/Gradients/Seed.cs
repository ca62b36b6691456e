namespace Clado.Gradients;

/// <summary>Where a backward pass begins.</summary>
/// <param name="Tensor">Name of the tensor that the gradient is by.</param>
internal abstract record Seed(string Tensor)
{
    /// <summary>Writes the gradient by the tensor.</summary>
    /// <param name="inputs">The graph, and inputs that it gets.</param>
    internal abstract Value Write(SeedInputs inputs);

    /// <summary>A gradient that is given at every run, in the shape of the tensor.</summary>
    /// <param name="Tensor">Name of the tensor.</param>
    /// <param name="Input">Name of the input it is given by.</param>
    internal sealed record Given(string Tensor, string Input) : Seed(Tensor)
    {
        internal override Value Write(SeedInputs inputs) => inputs.Like(Input, Tensor);
    }
}
