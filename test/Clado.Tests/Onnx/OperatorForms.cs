using System.Globalization;
using Clado.Onnx;
using Clado.Tests.Support;
using static Clado.Onnx.TensorProto.Types;

namespace Clado.Tests.Onnx;

/// <summary>
/// One operator in one of the forms that its history knows, as a line of text: the operator, its inputs, its attributes and its outputs.
/// <c>x</c> is the image, <c>_</c> an input that is named and absent, <c>s:0.5</c> a scalar, <c>f:1,2</c> and <c>i:1,2</c> lists of floats
/// and integers, <c>q:1,2</c> integers of four dimensions, <c>n:3</c> an integer, <c>w:4,3,3,3</c> a weight of that shape, <c>p:3</c> the
/// same, positive; <c>bool</c>, <c>int</c> and <c>flat</c> are made of the image.
/// An output begins with <c>&gt;</c>; one that ends in <c>!</c> is read, as the first always is.
/// </summary>
internal static class OperatorForms
{
    /// <summary>A network of a form.</summary>
    /// <param name="form">The form.</param>
    /// <param name="opset">Opset the network says it is of.</param>
    /// <param name="isHidden">Whether a node stands in front, so that the file does not say what shapes the operator sees.</param>
    public static ModelProto Build(string form, int opset, bool isHidden)
    {
        var net = new NetworkBuilder(opset: opset);
        net.Model.Graph.Input[0].Type.TensorType.Shape.Dim[0].DimValue = 1;
        if (isHidden)
        {
            net.Then("Identity", "hidden");
        }
        var image = net.Last;
        string[] words = form.Split(' ');
        var attributes = words.Skip(1).Where(word => word.Contains('=', StringComparison.Ordinal)).Select(Attribute).ToArray();
        string[] outputs = [.. words.Where(word => word[0] == '>').Select(word => word[1..])];
        string[] inputs = [.. words.Skip(1).Where(word => word[0] != '>' && !word.Contains('=', StringComparison.Ordinal))
            .Select((word, slot) => Input(net, image, word, $"c{slot}"))];
        net.Add(words[0], inputs, "y", attributes);
        net.Model.Graph.Node[^1].Output.Add(outputs.Select(output => output == "_" ? "" : output.TrimEnd('!')));
        net.Model.Graph.Output.Add(new ValueInfoProto { Name = "y" });
        net.Model.Graph.Output.Add(
            outputs.Where(output => output[^1] == '!').Select(output => new ValueInfoProto { Name = output.TrimEnd('!') }));
        return net.Model;
    }

    private static string Input(NetworkBuilder net, string image, string word, string name)
    {
        switch (word)
        {
            case "x":
                return image;
            case "_":
                return "";
            case "bool" or "int":
                var type = word == "bool" ? DataType.Bool : DataType.Int64;
                net.Add("Mul", [image, Input(net, image, "s:3", name + "_m")], name + "_f")
                    .Then("Cast", name, null, NodeExtensions.Attribute("to", (long)type));
                return name;
            case "flat":
                net.Add("Flatten", [image], name);
                return name;
        }
        var (kind, text) = (word[0], word[2..]);
        if (kind is 'w' or 'p')
        {
            net.Weight(name, Integers(text));
            var made = net.Model.Graph.Initializer[^1];
            float[] values = TensorData.ReadSingles("", made);
            TensorData.Overwrite(made, kind == 'w' ? values : Array.ConvertAll(values, v => Math.Abs(v) + 0.1f));
            return name;
        }
        if (kind == 'q')
        {
            net.Model.Graph.Initializer.Add(TensorData.Integers(name, Integers(text), 1, 1, 1, Integers(text).Length));
            return name;
        }
        bool isScalar = kind is 's' or 'n';
        net.Model.Graph.Initializer.Add(kind is 's' or 'f'
            ? TensorData.Singles(name, Floats(text), isScalar ? [] : [Floats(text).Length])
            : TensorData.Integers(name, Integers(text), isScalar ? [] : [Integers(text).Length]));
        return name;
    }

    private static AttributeProto Attribute(string word)
    {
        var (name, text) = (word[..word.IndexOf('=', StringComparison.Ordinal)], word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        if (text[0] == '[')
        {
            text = text.Trim('[', ']');
            if (!text.Contains('.', StringComparison.Ordinal))
            {
                return NodeExtensions.Attribute(name, Integers(text));
            }
            var list = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Floats };
            list.Floats.Add(Floats(text));
            return list;
        }
        return long.TryParse(text, CultureInfo.InvariantCulture, out long whole) ? NodeExtensions.Attribute(name, whole)
            : float.TryParse(text, CultureInfo.InvariantCulture, out float value)
                ? new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value }
            : NodeExtensions.Attribute(name, text);
    }

    private static long[] Integers(string text) => [.. Words(text).Select(v => long.Parse(v, CultureInfo.InvariantCulture))];

    private static float[] Floats(string text) => [.. Words(text).Select(v => float.Parse(v, CultureInfo.InvariantCulture))];

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The forms; the image is [1, 3, 8, 8].</summary>
    public static readonly string[] All =
    [
        "Abs x", "Acos x", "Acosh x", "Asin x", "Asinh x", "Atan x", "Atanh x", "Ceil x", "Cos x", "Cosh x", "Elu x", "Elu x alpha=0.5",
        "Erf x", "Exp x", "Floor x", "Identity x", "LeakyRelu x alpha=0.1", "Log x", "Neg x", "Reciprocal x", "Relu x", "Round x",
        "Selu x", "Sigmoid x", "Sign x", "Sin x", "Sinh x", "Softplus x", "Softsign x", "Sqrt x", "Tan x", "Tanh x",
        "HardSigmoid x alpha=0.3", "HardSwish x", "Mish x", "Gelu x", "Gelu x approximate=tanh", "Celu x", "Swish x",
        "ThresholdedRelu x alpha=0.2", "Shrink x lambd=0.2", "IsNaN x", "IsInf x", "Add x w:3,1,1", "Add x s:0.5", "Add x x",
        "Sub x w:3,1,1", "Mul x w:3,1,1", "Div x p:3,1,1", "Pow x s:2", "Sum x x", "Sum x w:3,1,1", "Max x w:3,1,1", "Min x x",
        "Mean x w:3,1,1", "Mod x s:0.3 fmod=1", "PRelu x w:3,1,1", "PRelu x w:1", "PRelu x w:8", "And bool bool", "Or bool bool",
        "Xor bool bool", "Not bool", "Equal int int", "Equal x x", "Greater x s:0", "Less x s:0", "GreaterOrEqual x s:0",
        "LessOrEqual x s:0", "Where bool x s:0", "Clip x", "Clip x min=-0.5 max=0.5", "Clip x max=0.25", "Clip x min=0.0",
        "Clip x s:-0.5 s:0.5", "Clip x _ s:0.5", "Clip x s:0 _", "Clip x _ _", "Cast x to=1", "Cast x to=7", "Cast x to=10",
        "Cast x to=11", "CastLike x s:1", "Conv x w:4,3,3,3", "Conv x w:4,3,3,3 w:4", "Conv x w:4,3,3,3 _",
        "Conv x w:4,3,3,3 auto_pad=SAME_UPPER strides=[2,2]", "Conv x w:4,3,3,3 auto_pad=SAME_LOWER", "Conv x w:4,3,3,3 auto_pad=VALID",
        "Conv x w:4,3,3,3 auto_pad=NOTSET pads=[1,1,1,1]", "Conv x w:3,1,3,3 group=3 kernel_shape=[3,3]",
        "Conv x w:4,3,3,3 dilations=[2,1]", "ConvTranspose x w:3,4,2,2 strides=[2,2]",
        "ConvTranspose x w:3,4,2,2 w:4 output_padding=[1,1] strides=[2,2]", "ConvTranspose x w:3,4,3,3 _ output_shape=[9,9]",
        "AveragePool x kernel_shape=[2,2]", "AveragePool x kernel_shape=[3,3] pads=[1,1,1,1] count_include_pad=1",
        "AveragePool x kernel_shape=[3,3] pads=[1,1,1,1]", "AveragePool x kernel_shape=[3,3] strides=[2,2] ceil_mode=1",
        "AveragePool x kernel_shape=[3,3] strides=[2,2] auto_pad=SAME_UPPER", "AveragePool x kernel_shape=[2,2] dilations=[2,2]",
        "MaxPool x kernel_shape=[2,2]", "MaxPool x kernel_shape=[2,2] >i", "MaxPool x kernel_shape=[2,2] >i!",
        "MaxPool x kernel_shape=[2,2] >_", "MaxPool x kernel_shape=[3,3] strides=[2,2] ceil_mode=1",
        "MaxPool x kernel_shape=[2,2] storage_order=1 >i!", "MaxPool x kernel_shape=[2,2] dilations=[2,1]", "LpPool x kernel_shape=[2,2]",
        "LpPool x kernel_shape=[2,2] p=2", "GlobalAveragePool x", "GlobalMaxPool x", "GlobalLpPool x", "GlobalLpPool x p=1",
        "MaxRoiPool x w:1,5 pooled_shape=[2,2]", "BatchNormalization x w:3 w:3 w:3 p:3",
        "BatchNormalization x w:3 w:3 w:3 p:3 epsilon=0.01 momentum=0.8", "BatchNormalization x w:3 w:3 w:3 p:3 spatial=1",
        "BatchNormalization x w:3,8,8 w:3,8,8 w:3,8,8 p:3,8,8 spatial=0", "BatchNormalization x w:3 w:3 w:3 p:3 >m >v >sm >sv",
        "BatchNormalization x w:3 w:3 w:3 p:3 training_mode=1 >m >v", "BatchNormalization x w:3 w:3 w:3 p:3 training_mode=1 >m! >v!",
        "Dropout x", "Dropout x ratio=0.5", "Dropout x >mask", "Dropout x ratio=0.5 >mask", "Dropout x >_", "Dropout x >mask!",
        "Dropout x s:0.5", "Dropout x s:0.5 >mask", "Dropout x s:0.5 >mask!", "Dropout x seed=3", "InstanceNormalization x w:3 w:3",
        "InstanceNormalization x w:3 w:3 epsilon=0.01", "LayerNormalization x w:8 w:8", "LayerNormalization x w:8 w:8 >m >s",
        "LayerNormalization x w:8 _ axis=-1", "GroupNormalization x w:1 w:1 num_groups=1", "GroupNormalization x w:3 w:3 num_groups=3",
        "GroupNormalization x w:3 w:3 num_groups=1 epsilon=0.1", "RMSNormalization x w:8", "SimplifiedLayerNormalization x w:8 axis=-1",
        "LRN x size=3", "LpNormalization x", "LpNormalization x axis=1 p=1", "MeanVarianceNormalization x",
        "MeanVarianceNormalization x axes=[2,3]", "MeanVarianceNormalization x across_channels=0 normalize_variance=1",
        "MeanVarianceNormalization x across_channels=1 normalize_variance=1",
        "MeanVarianceNormalization x across_channels=0 normalize_variance=0", "Softmax x", "Softmax x axis=1", "Softmax x axis=3",
        "Softmax x axis=-1", "Softmax x axis=2", "Softmax flat", "Softmax x axis=0", "Softmax x axis=-2", "LogSoftmax x axis=1",
        "LogSoftmax x", "Hardmax x axis=1", "Hardmax flat", "Gemm flat w:192,5", "Gemm flat w:192,5 w:5",
        "Gemm flat w:5,192 w:5 transB=1", "Gemm flat w:192,5 _", "Gemm flat w:192,5 w:5 alpha=0.5 beta=2.0", "Gemm flat w:192,5 s:1",
        "Gemm flat w:192,5 w:1,5", "MatMul x w:8,4", "MatMul x w:1,8,4", "MatMul x w:3,8,4", "MatMul w:2,8 x",
        "Einsum x w:8,4 equation=nchw,wd->nchd", "Flatten x", "Flatten x axis=2", "Flatten x axis=0", "Flatten x axis=-1",
        "Reshape x shape=[0,-1]", "Reshape x i:0,-1", "Reshape x i:0,-1 allowzero=0", "Squeeze x", "Squeeze x axes=[0]",
        "Unsqueeze x axes=[0,2]", "Unsqueeze x axes=[-1]", "Unsqueeze x i:0,2", "Unsqueeze x i:-1", "Squeeze x axes=[]", "Transpose x",
        "Transpose x perm=[0,2,3,1]", "Concat x x axis=1", "Concat x axis=-1", "Expand x i:2,3,8,8", "Tile x i:1,2,1,1",
        "DepthToSpace x blocksize=1", "SpaceToDepth x blocksize=2", "DepthToSpace x blocksize=1 mode=CRD",
        "Slice x axes=[2,3] starts=[1,0] ends=[3,-1]", "Slice x starts=[0,1] ends=[2,3]", "Slice x i:1,0 i:3,-1 i:2,3",
        "Slice x i:0,1 i:2,3", "Slice x i:0,7 i:2,-100 i:1,3 i:1,-2", "Slice x i:0,1 i:2,3 _ i:1,2", "Slice x i:1,0 i:3,-1 i:2,3 _",
        "DynamicSlice x i:1,0 i:3,-1 i:2,3", "DynamicSlice x i:0,1 i:2,3", "Split x axis=2 split=[3,5] >z!", "Split x axis=2 >z!",
        "Split x i:3,5 axis=2 >z!", "Split x _ axis=2 >z!", "Split x axis=2 num_outputs=2 >z!", "Split x axis=1 >z! >u",
        "Split x axis=2 split=[3,5] >z", "Split x axis=-1 split=[4,4] >z", "Pad x pads=[0,0,1,2,0,0,3,0] value=0.5",
        "Pad x pads=[0,0,1,1,0,0,1,1] mode=reflect", "Pad x pads=[0,0,1,1,0,0,1,1] mode=edge", "Pad x i:0,0,1,2,0,0,3,0 s:0.5",
        "Pad x i:0,0,1,2,0,0,3,0", "Pad x i:0,0,1,2,0,0,3,0 _", "Pad x i:1,2,3,0 s:0.5 i:2,3", "Pad x pads=[0,0,-1,0,0,0,0,-1]",
        "Gather x i:2,0 axis=1", "Gather x n:1 axis=1", "GatherElements x q:0,3 axis=3", "OneHot int n:4 f:0,1", "TopK x axis=3 k=3 >i!",
        "TopK x k=2 >i", "TopK x i:3 axis=3 >i!", "TopK x i:3 >i", "TopK x i:3 largest=0 sorted=1 >i!", "ArgMax x axis=1",
        "ArgMin x axis=1 keepdims=0", "ArgMax x axis=1 select_last_index=1", "CumSum x n:1", "Trilu x", "NonZero x", "Shape x", "Size x",
        "Shape x start=1", "EyeLike flat", "Det x", "Unique x >i! >j >k", "Unique x >_ >_ >k!", "ReduceMean x axes=[2,3] keepdims=0",
        "ReduceMean x", "ReduceMean x keepdims=0", "ReduceMean x i:2,3", "ReduceMean x axes=[-1]", "ReduceMean x axes=[]",
        "ReduceMean x _ keepdims=1", "ReduceMean x i:", "ReduceMean x noop_with_empty_axes=1", "ReduceSum x axes=[1,3]",
        "ReduceSum x i:1,3", "ReduceSum x", "ReduceSum x noop_with_empty_axes=1", "ReduceSum x _", "ReduceMax x axes=[1]",
        "ReduceMin x axes=[1]", "ReduceL1 x axes=[1]", "ReduceL2 x axes=[1]", "ReduceLogSum x axes=[1]", "ReduceLogSumExp x axes=[1]",
        "ReduceProd x axes=[1]", "ReduceSumSquare x axes=[1]", "Upsample x scales=[1.0,1.0,2.0,3.0] mode=nearest",
        "Upsample x scales=[1.0,1.0,2.0,2.0]", "Upsample x scales=[1.0,1.0,2.0,2.0] mode=linear", "Upsample x f:1,1,2,3 mode=nearest",
        "Upsample x f:1,1,2,2 mode=linear", "Upsample x f:1,1,1.5,1.5 mode=nearest", "Resize x f:1,1,2,1.5 mode=nearest",
        "Resize x f:1,1,2,1.5 mode=linear", "Resize x f:1,1,0.5,0.5 mode=nearest", "Resize x f:1,1,0.6,0.7 mode=nearest",
        "Resize x f:1,1,0.6,0.7 mode=linear", "Resize x f:1,1,2,0.6 mode=nearest", "Resize x f:1,1,1,1", "Resize x f: f:1,1,2,1.5",
        "Resize x _ f:1,1,2,1.5 mode=linear", "Resize x f:0,0,0,0,1,1,1,1 f:1,1,2,2 mode=cubic", "Resize x f: f: i:1,3,5,6",
        "Resize x _ _ i:1,3,5,6 mode=linear coordinate_transformation_mode=align_corners",
        "Resize x f: f:1,1,0.6,0.7 mode=nearest coordinate_transformation_mode=tf_half_pixel_for_nn",
        "Resize x f: f:1,1,2,1.5 mode=nearest coordinate_transformation_mode=tf_half_pixel_for_nn nearest_mode=floor",
        "Resize x f: f:1,1,2,1.5 mode=nearest coordinate_transformation_mode=tf_half_pixel_for_nn nearest_mode=ceil",
        "Resize x f: f:1,1,2,1.5 mode=linear coordinate_transformation_mode=tf_half_pixel_for_nn",
        "Resize x f: f:1,1,2,1.5 mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor",
        "Resize x f: f:1,1,2,1.5 mode=linear coordinate_transformation_mode=pytorch_half_pixel",
        "Resize x f:0,0,0.1,0.1,1,1,0.9,0.9 f:1,1,2,2 mode=linear coordinate_transformation_mode=tf_crop_and_resize",
        "GridSample x w:1,4,4,2", "GridSample x w:1,4,4,2 mode=bilinear", "GridSample x w:1,4,4,2 mode=bicubic",
        "GridSample x w:1,4,4,2 mode=linear", "GridSample x w:1,4,4,2 mode=nearest padding_mode=border align_corners=1",
        "RoiAlign x p:1,4 i:0 output_height=2 output_width=2",
        "RoiAlign x p:1,4 i:0 output_height=2 output_width=2 coordinate_transformation_mode=half_pixel",
        "Scatter x q:0,3 w:1,1,1,2 axis=3", "QuantizeLinear x s:0.1", "DynamicQuantizeLinear x >s! >z!",
        "ImageScaler x scale=0.5 bias=[0.1,0.2,0.3]", "ImageScaler x bias=[0.1,0.2,0.3]", "Crop x border=[1,2,1,0]",
        "Crop x border=[1,2,0,0] scale=[4,5]", "Affine x alpha=0.5 beta=0.1", "ScaledTanh x alpha=1.5 beta=0.7",
        "ParametricSoftplus x alpha=0.5 beta=2.0", "Scale x scale=0.5",
    ];
}
