"""Words and operations that tell parts of a graph apart (freeze.md §4.2)."""

from __future__ import annotations

import re
from typing import Final

from .._graphdef.roles import ACTIVATIONS, names

# --- operations ---------------------------------------------------------------------------------

# What stands between a variable and who uses its value; conv1d adds a dimension to its filter.
READ_CHAIN: Final = names(
    "Identity ReadVariableOp Enter RefEnter Switch RefSwitch RefIdentity Cast ExpandDims Reshape"
)
# Operations that bring data in, of which each output is a source of its own.
FEEDS: Final = re.compile(
    r"(IteratorGetNext|QueueDequeue|ReaderRead|Parse(Single|Sequence)*Example|DecodeCSV|"
    r"Unstage|RecvTPU|InfeedDequeue)"
)
# Where values go that others take from a queue or a dataset.
FILLS: Final = re.compile(r"Enqueue|Dataset(V\d)?$|^(Stage|MakeIterator)$")
# Operations whose result says how large something is, not what it is.
SHAPES: Final = names("Shape ShapeN Size Rank VariableShape TensorArraySizeV3")
_WRITES: Final = re.compile(
    r"^(Assign(Add|Sub)?|Assign(Add|Sub)?VariableOp|Scatter(Add|Sub|Mul|Div|Min|Max|Update)|"
    r"ScatterNd(Add|Sub|Update)|CountUpTo|Resource(Sparse)?Apply.*|(Sparse)?Apply[A-Z].*|ResourceScatter.*|"
    r"ResourceCountUpTo|Save(V2|Slices)?|Restore(V2|Slice)?|MergeV2Checkpoints|"
    r"ShardedFilename|.*Summary(V2)?|Assert|Abort|.*Enqueue.*|InitializeTable.*|LookupTable(Import|Insert).*|"
    r"QueueClose(V2)?|IsVariableInitialized|VarIsInitializedOp|NoOp|ControlTrigger|ReportUninitialized.*|"
    r"Stage|Delete.*|DestroyResourceOp|MakeIterator|.*Dataset(V\d)?|BroadcastGradientArgs|"
    r"(Max|Avg)Pool(3D)?Grad.*|(Relu|Elu|Selu|Tanh|Sigmoid|Softplus|Sqrt|Rsqrt|Relu6|LRN|LeakyRelu|BiasAdd|"
    r"FusedBatchNorm|Reciprocal|Inv)Grad(V\d)?|Conv2DBackpropFilter|Conv3DBackpropFilter(V2)?)$"
)
APPLIES: Final = re.compile(r"^(Resource)?(Sparse)?Apply[A-Z]")
SCATTERS: Final = re.compile(r"^(Resource)?Scatter")  # how plain descent changes rows
SUMMARY: Final = re.compile(r"Summary(V2)?$")
# Steps from a result to the form in which a program wants it.
POST: Final = names(
    "ArgMax ArgMin TopK TopKV2 Cast Reshape Squeeze ExpandDims Softmax LogSoftmax Sigmoid Gather "
    "GatherV2 GatherNd Merge Exit Identity Transpose Unpack Pack StridedSlice Slice "
    "TensorArrayGatherV3 TensorArrayReadV3 ConcatV2 Concat Greater GreaterEqual Round Floor Ceil "
    "Split ReverseSequence ReverseV2 StopGradient Switch Print PreventGradient DepthToSpace "
    "SparseToDense ClipByValue Sign CTCGreedyDecoder CTCBeamSearchDecoder"
)
# What may follow a last layer before a program takes the result.
TAIL: Final = (
    POST
    | ACTIVATIONS
    | names(
    "Add AddV2 BiasAdd Mul Sub Maximum Minimum RealDiv Exp L2Normalize Neg Pow Sum Div "
    "ResizeBilinear ResizeNearestNeighbor ResizeBicubic"
)
)  # fmt: skip
# What changes the range of a result, when the other side is a number or the input itself.
SCALES: Final = names("Mul Add AddV2 Sub RealDiv Div Maximum Minimum")
TURNS: Final = names("Sub RealDiv Div")  # that turn the second of their inputs around
# What a loss does first with a difference.
MEASURES: Final = names("Square Abs Pow L2Loss Log Mean Sum")
# What a network begins with: its input was made ready for it.
BEGINNINGS: Final = names("Conv2D MatMul Conv3D DepthwiseConv2dNative BatchMatMulV2")
# What multiplies two things, whichever is the weights.
MULTIPLIES: Final = BEGINNINGS | names("BatchMatMul BatchMatMulV3")
# What multiplies by weights, or looks them up: a layer even in the scope of a loss.
PRODUCTS: Final = BEGINNINGS | names(
    "Mul BatchMatMul BatchMatMulV3 Conv2DBackpropInput Gather GatherV2 ResourceGather GatherNd"
)
# Products of weights with data, and what belongs to them.
LINEAR: Final = BEGINNINGS | names(
    "BatchMatMul BatchMatMulV3 Conv2DBackpropInput Conv3DBackpropInputV2 BiasAdd Gather GatherV2 "
    "ResourceGather GatherNd FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Einsum "
    "SparseTensorDenseMatMul SparseMatMul"
)
# What a rate is made into, and what it then meets chance in: dropout keeps or drops.
RATES: Final = names("Sub Identity Cast StridedSlice Reshape Enter Switch RealDiv")
COMPARED: Final = names("Add AddV2 Less LessEqual Greater GreaterEqual")
# Arithmetic on the way from a prediction to a number that is to become small.
LOSS_ARITHMETIC: Final = names(
    "Mean Sum Neg Log Log1p Mul Sub SquaredDifference Pow Square Abs L2Loss AddN Add AddV2 Div "
    "RealDiv DivNoNan Maximum Minimum Cast Sqrt Exp Reshape Identity Select SelectV2 Prod Max Min "
    "Rsqrt Reciprocal Gather GatherV2 GatherNd OneHot Slice StridedSlice Expm1 Softplus Relu "
    "ExpandDims Squeeze Pack ConcatV2 Concat LessEqual Less Greater GreaterEqual Equal NotEqual "
    "LogicalAnd LogicalNot ClipByValue Where ZerosLike BroadcastTo Tile Transpose Sign Lgamma "
    "Print Floor Fill Merge Switch StopGradient TruncateDiv FloorDiv Round"
)
# They draw the wrong answers that a loss compares with: what depends on them only trains.
SAMPLERS: Final = re.compile(r"(CandidateSampler|UnigramSampler)(V2)?$")
# Noise that a network turns into something is its data: the input of a generator.
NOISE: Final = names("RandomUniform RandomStandardNormal TruncatedNormal Multinomial")
FLOATS: Final = frozenset((1, 2, 14, 19))  # DataTypes
REDUCTIONS: Final = names("Mean Sum Prod Max Min L2Loss All Any AddN")
# A choice that, fed back into the network, makes it write a sequence.
CHOICES: Final = names("ArgMax ArgMin TopK TopKV2 Multinomial")
# The same values in another arrangement.
LAYOUT: Final = names(
    "Reshape Transpose Squeeze ExpandDims Identity TensorArrayGatherV3 Exit Merge"
)
LOSS: Final = names(
    "SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits SquaredDifference "
    "L2Loss CTCLoss CTCLossV2"
)  # fmt: skip
# What makes a decision of a number.
DECISIONS: Final = names("ArgMax ArgMin Round Sign Greater GreaterEqual Less LessEqual Cast")
JUDGEMENTS: Final = names("InTopK InTopKV2 Equal NotEqual EditDistance")
# Too cheap to be a result of its own when only a summary wants it.
CHEAP: Final = LOSS_ARITHMETIC | names("OnesLike Size Shape Rank Assert Const PyFunc")

# How much like a result each operation is.
OP_SCORES: Final = {
    op: points
    for points, ops in (
        (9.0, "Softmax"),
        (8.0, "Sigmoid"),
        (7.0, "LogSoftmax"),
        (6.0, "ArgMax ArgMin TopK TopKV2 GatherTree"),
        (5.0, "BiasAdd Tanh Atan CTCGreedyDecoder CTCBeamSearchDecoder"),
        (4.0, "Sin Cos Sign Add AddV2 Squeeze L2Normalize SparseToDense DepthToSpace"),
        (
            3.0,
            "Identity MatMul Conv2D Relu Transpose Conv2DBackpropInput Reshape Softplus "
            "Elu LeakyRelu RealDiv Round",
        ),
        (2.0, "BatchMatMul BatchMatMulV2 Mul Cast TensorArrayGatherV3 Merge ClipByValue Exp"),
        (1.0, "Sqrt Sub GatherV2 Gather Exit Minimum Maximum ConcatV2 Sum"),
        (-1.0, "Mean"),
        (-3.0, "Log Neg"),
        (-4.0, "Fill Where Square"),
        (-6.0, "Switch LogicalAnd Enter Less TensorArrayWriteV3 RandomUniform Range"),
        (
            -8.0,
            "Equal NotEqual ZerosLike OnesLike L2Loss SquaredDifference InTopK InTopKV2 "
            "SoftmaxCrossEntropyWithLogits NextIteration "
            "SparseSoftmaxCrossEntropyWithLogits CTCLoss TensorArrayV3",
        ),
        (-9.0, "LoopCond StackPushV2 StackV2"),
    )
    for op in ops.split()
}

# Of a name that nobody wrote by hand the end is enough: patterns take time over long ones.
LONG: Final = 200

# --- names ---------------------------------------------------------------------------------------

_OPTIMIZERS: Final = (
    r"Adam|AdamW|Adamax|Nadam|Momentum|RMSProp|Adagrad|AdagradDA|Adadelta|Ftrl|GradientDescent|SGD|"
    r"ProximalAdagrad|ProximalGradientDescent|LazyAdam|AdamWeightDecayOptimizer|\w*Optimizer"
)
TRAINING: Final = re.compile(
    rf"^((gradients|gradient_tape|clip_by_global_norm|global_norm|AssignMovingAvg|"
    rf"ExponentialMovingAverage|"
    rf"Initializer|report_uninitialized_variables|OptimizeLoss|assert_\w+|Assert)(_\d+)?|"
    rf"({_OPTIMIZERS})(_\d+)?|.+_grad(_\d+)?|save(_\d+)?)$"
)
SLOTS: Final = re.compile(
    rf"(^|/)(({_OPTIMIZERS})(_\d+)?|beta[12]_power(_\d+)?|global_step|ExponentialMovingAverage|"
    r"learning_rate|Iter|iterations?)$"
)
SIDE: Final = re.compile(
    r"^(\w*[_-])?(loss(es)?|cost|metrics?|accuracy|acc|optimi\w*|summar\w*|errors?|"
    r"cross_?entropy|categoricalcrossentropy|xent|xentropy|regulari\w*|meansquare|correct\w*|"
    r"absolute_difference|monitors?|sequence_loss\w*|confusion_matrix|precision|recall|auc|"
    r"mean_iou)(_\d+)?$",
    re.IGNORECASE,
)
SWITCH_NAMES: Final = re.compile(
    r"(keep_?prob|drop_?out|keep_rate|keep|phase|is_?train|train(ing)?_?(mode|phase|flag)?$|(^|_)lr($|_)|"
    r"learn(ing)?_?rate|length|seq_?len|_len$|mask|batch_?size|temperature|epsilon|momentum|"
    r"global_?step|num_steps|is_?test|learning_phase|sample_?weights?|handle|decay)",
    re.IGNORECASE,
)
PREDICTION: Final = re.compile(
    r"^(\w*_)?(pred\w{0,12}|y_?pred|y_?hat|prob|probs|proba|probas|probability|probabilities|softmax|"
    r"softmax_tensor|hypothesis|inference|y_conv|classes|final_result|scores?|score_map|sampled|decoded|"
    r"translations?|captions?|infer|detections?)(_\w{1,10})?$|"
    r".*[a-z](Pred|Predictions?|Probs?|Probabilities|Scores?)$",
    re.IGNORECASE,
)
OUTPUT: Final = re.compile(
    r"^(\w*_)?(outputs?|out|logits?|results?|final_result|readout|embeddings?|output_node|y|q|"
    r"q_?values?|activation|decoded|decoder|reconstruct(ion|ed)|generated|answer|final|action|policy|value|"
    r"last_layer|final_layer|op_to_restore|model)(_?\d+)?$",
    re.IGNORECASE,
)
BAD_NAMES: Final = re.compile(
    r"(^|/|_)(loss(es)?|cost|accuracy|acc|error|metrics?|cross_?entropy|xent(ropy)?|mse|mae|rmse|psnr|ssim|"
    r"correct\w*|regulari\w*|l2_loss|recall|precision|auc|perplexity|penalty|reward|entropy)(_\d+)?($|/)",
    re.IGNORECASE,
)
INNER_NAMES: Final = re.compile(
    r"(^|/)(dropout|moments|cond|while|batch_?norm\w*|tensordot)(_\d+)?(/|$)", re.I
)
TWIN_NAMES: Final = re.compile(
    r"(^|[/_])(target(_?net\w*|_?q\w*|s)?|old(pi|_?policy)?|fixed)(_\d+)?(/|$)", re.I
)
_AUTOMATIC: Final = names(
    "add sub mul truediv div pow strided_slice transpose concat stack unstack split range ones "
    "zeros ones_like zeros_like embedding_lookup xw_plus_b l2_normalize floordiv mod Const tile "
    "cond while dropout softmax_cross_entropy_with_logits Mean Sum Max reverse_sequence Rank "
    "Repeat clip_by_value read cast eye random_uniform random_normal Merge greater mul_no_nan "
    "boolean_mask tensordot moments batchnorm activation control_dependency group_deps"
)
JOINS: Final = names("ConcatV2 Concat Pack AddN")
_NUMBER: Final = re.compile(r"_\d+$")


def writes(op: str) -> bool:
    """Whether an operation changes something, saves, summarises or checks, and gives no result."""
    return _WRITES.match(op) is not None


def last_part(name: str) -> str:
    """The last component of a name, without the number that TensorFlow makes it unique with."""
    return _NUMBER.sub("", name.rpartition("/")[2][-LONG:])


def is_hand_made(name: str, op: str) -> bool:
    """Whether the last component of a name was chosen by a person."""
    last = last_part(name)
    return last not in _AUTOMATIC and last.lower() != op.lower().rstrip("v23")
