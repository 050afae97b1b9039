"""Surface of the stand-in: the modules that it has, and what is in each.

A table of names, from which modules are made when they are imported (`modules`), and by which
programs are judged before they run (`check`). What a name stands for is a place: a room of this
package and a name in it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from .._graphdef.roles import names as words

# The place of each name of a module: ``"room:name"``; ``"module:…"`` for a module of the stand-in.
Table: TypeAlias = "dict[str, str]"

ROOT: Final = "tensorflow"
VERSION: Final = "2.21.0"  # whose face this is; there are the names of TensorFlow 1 besides


def _of(room: str, names: str) -> Table:
    """Table that are called in a room as in the module; ``theirs=ours`` where they are not."""
    pairs = (each.partition("=") for each in names.split())
    return {theirs: f"{room}:{ours or theirs}" for theirs, _, ours in pairs}


def _module(names: str) -> Table:
    """Modules under other names: ``name=module``."""
    pairs = (each.partition("=") for each in names.split())
    return {name: f"module:{ROOT}.{target or name}" for name, _, target in pairs}


_TYPES: Final = (
    "float16 float32 float64 bfloat16 half double int8 int16 int32 int64 uint8 uint16 uint32 "
    "uint64 int4 uint4 complex64 complex128 bool string qint8 qint16 qint32 quint8 quint16 "
    "resource variant float8_e5m2 float8_e4m3fn"
)
_DTYPES: Final = {name: f"dtype:{name}" for name in _TYPES.split()}
_READERS: Final = _of(
    "train", "CheckpointReader NewCheckpointReader list_variables load_checkpoint load_variable"
)
_MANAGEMENT: Final = _of(
    "train",
    "CheckpointManager CheckpointState checkpoint_exists generate_checkpoint_state_proto "
    "get_checkpoint_mtimes get_checkpoint_state latest_checkpoint remove_checkpoint "
    "update_checkpoint_state checkpoints_iterator",
)
_SAVING: Final = _of("shim.sessions.saver", "Saver") | _of(
    "shim.sessions.loading", "import_meta_graph"
)
_TRAIN: Final = (
    _READERS
    | _MANAGEMENT
    | _SAVING
    | _of("train", "Checkpoint CheckpointView SaverDef")
    | _of("shim.sessions.listing", "get_global_step")
    | _of("shim.sessions.freezing", "write_graph")
)
_ERRORS: Final = _of(
    "train.errors",
    "OpError CancelledError UnknownError InvalidArgumentError DeadlineExceededError NotFoundError "
    "AlreadyExistsError PermissionDeniedError ResourceExhaustedError FailedPreconditionError "
    "AbortedError OutOfRangeError UnimplementedError InternalError UnavailableError DataLossError "
    "UnauthenticatedError OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND "
    "ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE "
    "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED",
)
_GFILE: Final = _of(
    "shim.parts.gfile",
    "GFile FastGFile Open exists isdir listdir glob stat makedirs mkdir remove rmtree rename copy "
    "walk join Exists IsDirectory ListDirectory Glob Stat MakeDirs MkDir Remove Rename Copy "
    "DeleteRecursively Walk",
)
_FILE_IO: Final = _of(
    "shim.parts.gfile",
    "FileIO FileStatistics file_exists is_directory list_directory get_matching_files stat "
    "recursive_create_dir create_dir delete_file delete_recursively rename copy walk join "
    "read_file_to_string write_string_to_file file_exists_v2=exists is_directory_v2=isdir "
    "list_directory_v2=listdir get_matching_files_v2=glob stat_v2=stat copy_v2=copy "
    "rename_v2=rename recursive_create_dir_v2=makedirs create_dir_v2=mkdir delete_file_v2=remove "
    "delete_recursively_v2=rmtree walk_v2=walk",
)
_LOGGING: Final = _of(
    "shim.parts.logs",
    "DEBUG INFO WARN ERROR FATAL debug info warn warning error fatal vlog log log_if log_every_n "
    "log_first_n flush get_verbosity set_verbosity TaskLevelStatusMessage",
)
_FLAGS: Final = _of(
    "shim.parts.flags",
    "FLAGS DEFINE_string DEFINE_integer DEFINE_float DEFINE_boolean DEFINE_bool DEFINE_enum "
    "DEFINE_list DEFINE_spaceseplist DEFINE_multi_string DEFINE_multi_integer DEFINE_multi_float "
    "mark_flag_as_required mark_flags_as_required Error IllegalFlagValueError "
    "UnrecognizedFlagError UnparsedFlagAccessError DuplicateFlagError FlagValues",
)
_COMPAT: Final = _of(
    "shim.parts.text",
    "as_bytes as_text as_str as_str_any path_to_str path_to_bytes forward_compatible "
    "bytes_or_text_types integral_types real_types complex_types",
)
_IGNORED: Final = (
    ""
    "enable_resource_variables disable_resource_variables "
    "enable_tensor_equality disable_tensor_equality "
    "enable_control_flow_v2 disable_control_flow_v2 set_random_seed"
)
_SWITCHES: Final = dict.fromkeys(_IGNORED.split(), "shim.parts.switches:ignored") | _of(
    "shim.parts.switches",
    "ConfigProto=Settings GPUOptions=Settings OptimizerOptions=Settings GraphOptions=Settings "
    "RunOptions=Settings RunMetadata=Settings executing_eagerly "
    "enable_eager_execution disable_eager_execution "
    "disable_v2_behavior enable_v2_behavior "
    "disable_v2_tensorshape enable_v2_tensorshape device=scope name_scope=scope",
)
# Classes that are there to be compared with: nothing can be made of them.
COMPARED: Final = words(
    "Tensor Variable RaggedTensor SparseTensor IndexedSlices TypeSpec TensorSpec RaggedTensorSpec "
    "SparseTensorSpec Module TensorArray Dataset DistributedDataset Operation"
)
_CLASSES: Final = _of(
    "shim.parts.tensors",
    "Tensor Variable TensorShape Dimension RaggedTensor SparseTensor IndexedSlices TypeSpec "
    "TensorSpec RaggedTensorSpec SparseTensorSpec Module TensorArray",
)
_SESSION: Final = _of("shim.sessions.session", "Session InteractiveSession")
_GRAPH: Final = _of(
    "shim.sessions.graph", "Graph get_default_graph get_default_session reset_default_graph"
) | _of(
    "shim.sessions.listing",
    "GraphKeys get_collection get_collection_ref global_variables all_variables "
    "trainable_variables local_variables model_variables global_variables_initializer "
    "initialize_all_variables=global_variables_initializer local_variables_initializer "
    "tables_initializer initialize_all_tables=tables_initializer variables_initializer",
)
_MESSAGES: Final = _of("shim.sessions.messages", "GraphDef make_ndarray")
_SAVED_MODEL: Final = _of(
    "shim.sessions.loading", "load contains_saved_model maybe_saved_model_directory"
)
_TAGS: Final = _of("shim.sessions.loading", "SERVING TRAINING GPU TPU EVAL")
_SIGNATURES: Final = _of(
    "shim.sessions.loading",
    "DEFAULT_SERVING_SIGNATURE_DEF_KEY PREDICT_INPUTS PREDICT_OUTPUTS PREDICT_METHOD_NAME "
    "CLASSIFY_INPUTS CLASSIFY_OUTPUT_SCORES CLASSIFY_OUTPUT_CLASSES REGRESS_INPUTS REGRESS_OUTPUTS",
)
_VALUES: Final = _of("shim.parts.tensors", "cast convert_to_tensor")
_DTYPE_FACE: Final = _DTYPES | _of("train", "DType as_dtype")
_GRAPH_UTIL: Final = _of(
    "shim.sessions.freezing", "convert_variables_to_constants extract_sub_graph"
)

# What stands both in `tensorflow` and in `tensorflow.compat.v1` and `v2`.
_TOP: Final = (
    _DTYPE_FACE
    | _SWITCHES
    | _CLASSES
    | _VALUES
    | _SESSION
    | _GRAPH
    | _MESSAGES
    | _of("shim.sessions.elements", "Operation")
    | _of("shim.sessions.loading", "import_graph_def")
    | _of("shim.parts.logs", "get_logger")
    | _of("shim.surface", "__version__=VERSION VERSION")
)
_PUBLIC: Final[Mapping[str, Table]] = {
    "app": _of("shim.parts.flags", "run") | _module("flags"),
    "autograph": {"set_verbosity": "shim.parts.switches:ignored"},
    "compat": _COMPAT,
    "config": _of(
        "shim.parts.switches",
        "list_physical_devices=none_of_them list_logical_devices=none_of_them "
        "set_visible_devices=ignored get_visible_devices=none_of_them "
        "set_soft_device_placement=ignored run_functions_eagerly=ignored",
    ),
    "config.experimental": _of(
        "shim.parts.switches",
        "list_physical_devices=none_of_them set_memory_growth=ignored "
        "set_visible_devices=ignored list_logical_devices=none_of_them",
    ),
    "config.threading": _of(
        "shim.parts.switches",
        "set_inter_op_parallelism_threads=ignored set_intra_op_parallelism_threads=ignored",
    ),
    "contrib.framework": _READERS,
    "contrib.framework.python.framework.checkpoint_utils": _READERS,
    "data": _of("shim.parts.tensors", "Dataset Iterator=Iterator_"),
    "distribute": _of("shim.parts.tensors", "DistributedDataset"),
    "dtypes": _DTYPE_FACE | _of("shim.parts.tensors", "cast"),
    "errors": _ERRORS,
    "flags": _FLAGS,
    "gfile": _GFILE,
    "graph_util": _GRAPH_UTIL | _of("shim.sessions.loading", "import_graph_def"),
    "io": _of("shim.sessions.freezing", "write_graph")
    | _of("shim.parts.records", "tf_record_iterator"),
    "io.gfile": _GFILE,
    "logging": _LOGGING,
    "nest": _of("shim.parts.nest", "flatten is_nested map_structure pack_sequence_as"),
    "python_io": _of("shim.parts.records", "tf_record_iterator"),
    "pywrap_tensorflow": _READERS,
    "random": {"set_seed": "shim.parts.switches:ignored"},
    "saved_model": _SAVED_MODEL | _TAGS | _SIGNATURES,
    "saved_model.loader": _of("shim.sessions.loading", "load=load_into")
    | _of("shim.sessions.loading", "maybe_saved_model_directory"),
    "saved_model.signature_constants": _SIGNATURES,
    "saved_model.tag_constants": _TAGS,
    "test": _of(
        "shim.parts.switches", "is_gpu_available=no is_built_with_cuda=no gpu_device_name=no_name"
    ),
    "train": _TRAIN,
    "version": _of("shim.surface", "VERSION __version__=VERSION"),
}

# Modules of TensorFlow's inside that programs import from.
_INNER: Final[Mapping[str, Table]] = {
    "python.checkpoint.checkpoint_management": _MANAGEMENT,
    "python.client.device_lib": {"list_local_devices": "shim.parts.switches:none_of_them"},
    "python.client.session": _SESSION,
    "python.framework.dtypes": _DTYPE_FACE,
    "python.framework.errors": _ERRORS,
    "python.framework.errors_impl": _ERRORS,
    "python.framework.graph_util": _GRAPH_UTIL,
    "python.framework.importer": _of("shim.sessions.loading", "import_graph_def"),
    "python.framework.ops": _GRAPH | _of("shim.parts.tensors", "Tensor"),
    "python.framework.tensor_shape": _of("shim.parts.tensors", "TensorShape Dimension"),
    "python.framework.tensor_util": _of("shim.sessions.messages", "MakeNdarray=make_ndarray"),
    "python.lib.io.file_io": _FILE_IO,
    "python.lib.io.tf_record": _of("shim.parts.records", "tf_record_iterator"),
    "python.ops.variables": _of(
        "shim.sessions.listing",
        "global_variables trainable_variables local_variables global_variables_initializer",
    ),
    "python.platform.app": _of("shim.parts.flags", "run") | _module("flags"),
    "python.platform.flags": _FLAGS,
    "python.platform.gfile": _GFILE,
    "python.platform.tf_logging": _LOGGING | _of("shim.parts.logs", "get_logger"),
    "python.pywrap_tensorflow": _READERS,
    "python.saved_model.loader": _of("shim.sessions.loading", "load=load_into"),
    "python.saved_model.loader_impl": _of(
        "shim.sessions.loading", "load=load_into contains_saved_model maybe_saved_model_directory"
    ),
    "python.saved_model.signature_constants": _SIGNATURES,
    "python.saved_model.tag_constants": _TAGS,
    "python.tools.freeze_graph": _of("shim.sessions.freezing", "freeze_graph"),
    "python.tools.inspect_checkpoint": _of(
        "shim.parts.inspection", "print_tensors_in_checkpoint_file"
    ),
    "python.training.checkpoint_management": _MANAGEMENT,
    "python.training.checkpoint_utils": _READERS
    | _of("train", "checkpoints_iterator wait_for_new_checkpoint"),
    "python.training.py_checkpoint_reader": _READERS,
    "python.training.saver": _SAVING | _MANAGEMENT,
    "python.training.training": _TRAIN,
    "python.util.compat": _COMPAT,
    "python.util.nest": _of("shim.parts.nest", "flatten is_nested map_structure pack_sequence_as"),
    "core.framework.graph_pb2": _of("shim.sessions.messages", "GraphDef"),
    "core.protobuf.config_pb2": _of(
        "shim.parts.switches", "ConfigProto=Settings GPUOptions=Settings RunOptions=Settings"
    ),
}


@functools.cache
def surface() -> Mapping[str, Mapping[str, str]]:
    """All modules by name, and in each the places of its names."""
    found: dict[str, dict[str, str]] = {}
    for face in (ROOT, f"{ROOT}.compat.v1", f"{ROOT}.compat.v2"):
        found[face] = dict(_TOP)
        for name, names in _PUBLIC.items():
            found[f"{face}.{name}"] = dict(names)
        # Who has the one face under the name of all asks it for the faces again.
        found[f"{face}.compat"] |= _module("v1=compat.v1 v2=compat.v2")
    for name, names in _INNER.items():
        found[f"{ROOT}.{name}"] = dict(names)
    for name in sorted(found):
        parts = name.split(".")
        for count in range(1, len(parts)):
            above = found.setdefault(".".join(parts[:count]), {})
            above.setdefault(parts[count], f"module:{'.'.join(parts[: count + 1])}")
    return MappingProxyType(found)
