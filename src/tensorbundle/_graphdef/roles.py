"""Roles of operations: variables, placeholders, calls, tables, what hands values on, what writes.

Each list stands here once. A stage that wants another set says how it differs from these; which
inputs of registered operations are references is compared with TensorFlow by a test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias


def names(text: str) -> frozenset[str]:
    """Split a text into the set of its words."""
    return frozenset(text.split())


# --- values that are stored, fed, made --------------------------------------------------------

VariableKind: TypeAlias = Literal["ref", "resource"]

# The last was TensorFlow's only inside Google, but savers know it, and so do graphs of that age.
REF_VARIABLES: Final = names("Variable VariableV2 AutoReloadVariable")
RESOURCE_VARIABLES: Final = names("VarHandleOp")
VARIABLES: Final[Mapping[str, VariableKind]] = MappingProxyType(
    {**dict.fromkeys(REF_VARIABLES, "ref"), **dict.fromkeys(RESOURCE_VARIABLES, "resource")}
)
# What only what feeds it gives a value, and all that may be fed by name.
FED: Final = names("Placeholder PlaceholderV2")
PLACEHOLDERS: Final = FED | names("PlaceholderWithDefault")
CONSTANTS: Final = names("Const HostConst")

_MUTABLE_KINDS: Final = ("HashTable", "HashTableOfTensors", "DenseHashTable")
STATIC_TABLES: Final = names("HashTable HashTableV2")
MUTABLE_TABLES: Final = frozenset(
    f"Mutable{kind}{version}" for kind in _MUTABLE_KINDS for version in ("", "V2")
)
# They live for one run of the graph: nothing outside can fill them.
ANONYMOUS_TABLES: Final = names("AnonymousHashTable") | frozenset(
    f"AnonymousMutable{kind}" for kind in _MUTABLE_KINDS
)
TABLES: Final = STATIC_TABLES | MUTABLE_TABLES | ANONYMOUS_TABLES

# --- values handed on ---------------------------------------------------------------------------

SWITCHES: Final = names("Switch RefSwitch _SwitchN")
ENTRIES: Final = names("Enter RefEnter")
# What enters a loop or a branch in TensorFlow 1: beyond it, who has no inputs belongs to neither.
CONTEXT_OPS: Final = ENTRIES | names("Switch RefSwitch")
_SAME_VALUE: Final = names(
    "Identity RefIdentity Snapshot StopGradient PreventGradient GuaranteeConst CheckNumerics "
    "Copy CopyHost"
)
# Their first input is what they give; of a handle the value that it stands for.
HANDED_ON: Final = (
    _SAME_VALUE | SWITCHES | ENTRIES | names("Exit RefExit ReadVariableOp CopyOnRead")
)
# What passes references on, and the operation that passes values on.
REF_CARRIERS: Final[Mapping[str, str]] = MappingProxyType(
    {f"Ref{op}": op for op in ("Enter", "Exit", "Identity", "Merge", "NextIteration", "Switch")}
)
# What passes handles on; these are made for any type.
HANDLE_CARRIERS: Final = frozenset(REF_CARRIERS.values()) | names("IdentityN _SwitchN")
# What reads a variable by its handle, and leaves it as it is.
HANDLE_READERS: Final = names(
    "DisableCopyOnRead ReadVariableOp ResourceGather ResourceGatherNd VarIsInitializedOp "
    "VariableShape"
)
# Their first output has the shape of their first input.
ACTIVATIONS: Final = names(
    "Softmax LogSoftmax Sigmoid Tanh Relu Relu6 Elu Softplus LeakyRelu Selu Atan Sin Cos"
)
SAME_SHAPE: Final = (
    HANDED_ON
    | ACTIVATIONS
    | names(
        "Abs BiasAdd Cast Exp FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Log Neg Print "
        "Round Rsqrt Sqrt Square"
    )
)

# --- functions ----------------------------------------------------------------------------------


class FunctionUse(NamedTuple):
    """Use of functions by an operation.

    Attributes:
        keys: The attributes that name them.
        first: The number of the input that is their first argument.
        takes: The attribute with the types of the inputs from there on.
        gives: The attribute with the types of the outputs.
    """

    keys: tuple[str, ...]
    first: int
    takes: str
    gives: str


WHILE_USE: Final = FunctionUse(("cond", "body"), 0, "T", "T")
_IF: Final = FunctionUse(("then_branch", "else_branch"), 1, "Tin", "Tout")
_CASE: Final = FunctionUse(("branches",), 1, "Tin", "Tout")
_CALL: Final = FunctionUse(("f",), 0, "Tin", "Tout")

# What runs the one function that it names, and gives its results.
CALLS: Final = names("PartitionedCall StatefulPartitionedCall")
# Beside them what runs a function that holds TPU operations: where its values come from can be
# followed, but it cannot be inlined into a graph that is to run elsewhere.
TRACED_CALLS: Final = CALLS | names("TPUPartitionedCall")
FUNCTION_USES: Final[Mapping[str, FunctionUse]] = MappingProxyType(
    {
        **dict.fromkeys(("While", "StatelessWhile"), WHILE_USE),
        **dict.fromkeys(("If", "StatelessIf"), _IF),
        **dict.fromkeys(("Case", "StatelessCase"), _CASE),
        **dict.fromkeys(CALLS, _CALL),
    }
)

# --- files and variables that are written ---------------------------------------------------------

ASSIGNS: Final = names("Assign AssignVariableOp")
RESTORES: Final = names("RestoreV2 Restore RestoreSlice")
# Operations that save, and how many inputs come before the tensors.
SAVES: Final[Mapping[str, int]] = MappingProxyType({"SaveV2": 3, "Save": 2, "SaveSlices": 3})
# What fills any table: how savers restore one; and how programs write to it.
TABLE_IMPORTS: Final = names("LookupTableImport LookupTableImportV2")
TABLE_INSERTS: Final = names("LookupTableInsert LookupTableInsertV2")
# What fills static tables, and does nothing else in any graph.
TABLE_FILE_INITIALIZERS: Final = names("InitializeTableFromTextFile InitializeTableFromTextFileV2")
TABLE_INITIALIZERS: Final = TABLE_FILE_INITIALIZERS | names(
    "InitializeTable InitializeTableV2 InitializeTableFromDataset"
)
_VARIABLE_WRITERS: Final = re.compile(
    r"Assign(Add|Sub)?(VariableOp)?|AssignVariableXlaConcatND|(Resource)?CountUpTo"
    r"|(Resource)?(Sparse)?Apply[A-Z]\w*|(Resource)?Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)"
    r"|(Resource)?StridedSliceAssign|DestroyResourceOp|RngSkip|SdcaShrinkL1|NegTrain"
)


def writes_variable(op: str) -> bool:
    """Tell whether an operation writes a variable.

    Example:
        >>> writes_variable("ResourceApplyAdam"), writes_variable("ReadVariableOp")
        (True, False)
    """
    return _VARIABLE_WRITERS.fullmatch(op) is not None
