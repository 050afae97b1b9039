"""Operations that reach out of a graph: by name, what they do and which input says where.

Names that begin with ``Experimental`` or end in another version are the same operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal[
    "reads files",
    "writes files",
    "runs Python",
    "runs native code",
    "opens the network",
    "unknown operation",
    "unreadable graph",
    "asset outside the model",
]
Level: TypeAlias = Literal["error", "warning", "note"]

KINDS: Final[Mapping[Kind, tuple[Level, str]]] = MappingProxyType(
    {
        "reads files": ("warning", "The graph reads files that are not part of the model."),
        "writes files": ("error", "The graph writes files other than its own checkpoint."),
        "runs Python": ("error", "The graph, or loading the model, runs Python code."),
        "runs native code": ("error", "The graph runs code that is not TensorFlow's."),
        "opens the network": ("error", "The graph talks to other machines."),
        "unknown operation": ("note", "An operation that no TensorFlow has: it needs a library."),
        "unreadable graph": ("warning", "A graph, or a graph inside it, cannot be read."),
        "asset outside the model": ("error", "An asset lies outside the model's directory."),
    }
)


class Reach(NamedTuple):
    """What an operation does outside of the graph.

    Attributes:
        kind: What it does.
        place: Which of its inputs, or which attribute, says where; None where none does.
    """

    kind: Kind
    place: int | str | None = None


def _all(kind: Kind, place: int | str | None, names: str) -> dict[str, Reach]:
    return dict.fromkeys(names.split(), Reach(kind, place))


_REACHES: Final[Mapping[str, Reach]] = MappingProxyType(
    {
        **_all(
            "reads files",
            0,
            "ReadFile MatchingFiles TextLineDataset TFRecordDataset FixedLengthRecordDataset "
            "MatchingFilesDataset CSVDataset LMDBDataset LoadDataset SSTableDataset "
            "RestoreV2 Restore RestoreSlice DTensorRestore GenerateVocabRemapping "
            "LoadAndRemapMatrix ListDataset ListSnapshotChunksDataset SnapshotChunkDataset "
            "SnapshotDatasetReader SnapshotNestedDatasetReader GetElementAtIndexOfFile",
        ),
        **_all("reads files", 1, "InitializeTableFromTextFile ReaderRead ReaderReadUpTo"),
        **_all("reads files", "memory_region_name", "ImmutableConst"),
        **_all("reads files", "file_pattern", "RecordInput"),
        **_all("reads files", "vocab_file", "FixedUnigramCandidateSampler"),
        **_all("reads files", "filename", "Skipgram"),
        **_all("reads files", "descriptor_source", "DecodeProto EncodeProto"),
        **_all(
            "reads files",
            None,
            "WholeFileReader TextLineReader TFRecordReader FixedLengthRecordReader LMDBReader",
        ),
        **_all(
            "writes files",
            0,
            "WriteFile SaveV2 Save SaveSlices WriteSummaryFile DistributedSave "
            "AppendFile DeleteFile CopyFile RenameFile DeleteRecursively CreateDir",
        ),
        **_all("writes files", 1, "MergeV2Checkpoints SaveDataset SnapshotDataset CacheDataset"),
        **_all(
            "writes files", 1, "CreateSummaryFileWriter DatasetToTFRecord CreateSummaryDbWriter"
        ),
        **_all("writes files", "tensor_names", "DumpTensors"),
        **_all("writes files", "log_dir_path", "DumpTensor"),
        **_all("writes files", "output_file_path", "CalibrationStatisticsSaver"),
        **_all("runs Python", "token", "PyFunc PyFuncStateless EagerPyFunc"),
        **_all(
            "runs native code",
            None,
            "XlaCustomCall TRTEngineOp CreateTRTResourceHandle InitializeTRTResource "
            "RemoteFusedGraphExecute XlaLaunchCustom CustomCall TfLiteSubgraphExecute "
            "ExecuteProgram LoadLibrary Shell System",
        ),
        **_all(
            "opens the network",
            None,
            "DataServiceDataset RegisterDataset BigQueryReader BigtableClient Rpc TryRpc RpcCall "
            "RpcClient RpcServer RpcServerStart RpcServerRegister GcsConfigureCredentials "
            "GcsConfigureBlockCache KafkaDataset PubSubDataset KinesisDataset "
            "GrpcServerResourceHandleOp BigQueryClient FileSystemSetConfiguration",
        ),
        "SqlDataset": Reach("opens the network", 1),
        "DebugIdentity": Reach("opens the network", "debug_urls"),
        "DebugNumericSummary": Reach("opens the network", "debug_urls"),
        "DebugNanCount": Reach("opens the network", "debug_urls"),
        "PrintV2": Reach("writes files", "output_stream"),
    }
)
# What is named may be harmless: a stream that is no file, a description that is in the program.
_ORDINARY: Final[Mapping[str, frozenset[object]]] = MappingProxyType(
    {
        "PrintV2": frozenset(
            [b"stdout", b"stderr", b"log(info)", b"log(warning)", b"log(error)", b"log(debug)"]
        ),
        "DecodeProtoV2": frozenset([b"local://"]),
        "EncodeProto": frozenset([b"local://"]),
    }
)
_DESCRIBED: Final = frozenset(["DecodeProtoV2", "EncodeProto"])
_IN_PLACE: Final = b"bytes://"  # the description itself follows

# The operations by which every model saves and restores itself.
SAVERS: Final = frozenset(
    ["SaveV2", "Save", "SaveSlices", "RestoreV2", "Restore", "RestoreSlice", "MergeV2Checkpoints"]
)
_VERSION: Final = re.compile(r"(?:V\d+)$")
_PREFIXES: Final = ("Experimental", "Anonymous")


def reach_of(op: str) -> Reach | None:
    """What an operation does outside of the graph; None for one that only computes.

    Example:
        >>> reach_of("ExperimentalCSVDataset"), reach_of("MatMul")
        (Reach(kind='reads files', place=0), None)
    """
    if op in _REACHES:
        return _REACHES[op]
    stem = _VERSION.sub("", op)
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    return _REACHES.get(stem)


def is_ordinary(op: str, value: object) -> bool:
    """Whether what an attribute of an operation names lies in the program or the graph itself."""
    if value in (None, b"") or value in _ORDINARY.get(op, ()):
        return True
    return op in _DESCRIBED and isinstance(value, bytes) and value.startswith(_IN_PLACE)
