"""What is measured: the tasks, who takes part, and the ratios to reach.

A ratio is always the rival's median divided by ours: more is better, and below 1 is a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OURS = "tensorbundle"
TF_LOOP = "TensorFlow: get_tensor loop"
TF_SORTED = "TensorFlow: loop, names sorted"
TF_RESTORE = "TensorFlow: RestoreV2"
TF_MAPS = "TensorFlow: shape map, dtype map"
SAFETENSORS = "safetensors.numpy"
NPZ = "numpy npz"
TF_SAVE = "TensorFlow: SaveV2"
COPY = "copying its files"
READ_WRITE = "reading once, writing once"
TF_SAFETENSORS = "TensorFlow: loop, safetensors.numpy"
TF_NPZ = "TensorFlow: loop, numpy.savez"
TF_FREEZE = "TensorFlow: freeze_graph"
TF_CONVERT = "TensorFlow: load, convert_variables_to_constants_v2, write"
TF_IMPORT = "TensorFlow: import_meta_graph"
MIB = 1 << 20


@dataclass(frozen=True)
class Run:
    """One who takes part in a task.

    Attributes:
        label: As shown.
        call: `subject.function` in `subjects/`; or empty when a whole process is measured.
        command: That process: arguments of Python, filled in with a data set's paths.
        facts: A function of the subject that brings a result into the form compared with others.
        data: Another data set than the task's.
    """

    label: str
    call: str = ""
    command: tuple[str, ...] = ()
    facts: str = ""
    data: str = ""

    @property
    def subject(self) -> str:
        return self.call.partition(".")[0]


@dataclass(frozen=True)
class Goal:
    """At least this ratio of `against` to `label`, in time or in peak memory."""

    against: str
    ratio: float
    label: str = OURS
    of: Literal["seconds", "rss"] = "seconds"


@dataclass(frozen=True)
class Task:
    """One question.

    Attributes:
        name: For `--only`.
        title: The question.
        kind: together: all in one process, taking turns in shuffled order; fresh: a new process
            for each sample, imports not counted; process: whole processes, start to end;
            kernel: the compiled benchmark of the checksum kernels.
        data: The data set.
        state: Of the page cache: warm or cold (see README.md); none where no file is read.
        runs: Who takes part; ours first.
        goals: What to reach.
        repeats: Samples each; of `fresh`, processes each.
        calls: Calls in a row that make one sample of `fresh`, its results dropped in between.
        memory_goal: Peak memory may be that of the run "import" plus the index plus 64 MiB.
        per_tensor: Values are compared per tensor.
        writes: Where its calls write, if they do: each finds an empty folder, and no call is
            repeated within a sample.
        growth_goal: Ours may use so many MiB more than at the start of the call, at its peak.
        rate: Bytes per second say something.
    """

    name: str
    title: str
    kind: Literal["together", "fresh", "process", "kernel"]
    data: str
    state: Literal["warm", "cold", "none"]
    runs: tuple[Run, ...]
    goals: tuple[Goal, ...] = ()
    repeats: int = 9
    calls: int = 1
    memory_goal: bool = False
    per_tensor: bool = False
    writes: Literal["", "disk", "tmpfs"] = ""
    growth_goal: int = 0
    rate: bool = True


_LOADERS = (
    Run(OURS, "tensorbundle_.load"),
    Run(TF_LOOP, "tensorflow_.loop"),
    Run(TF_RESTORE, "tensorflow_.restore"),
    Run(TF_SORTED, "tensorflow_.sorted_loop"),
    Run(SAFETENSORS, "safetensors_.load"),
    Run(NPZ, "npz_.load"),
)


def _program(label: str, subject: str, path: str) -> Run:
    file = f"benchmarks/subjects/{subject}.py"
    arguments = (path, "{one_name}") if path else ()
    return Run(label, f"{subject}.one" if path else "", (file, *arguments))


def _growth(what: str) -> Task:
    facts = "facts_of" if what == "infos" else ""
    return Task(
        f"growth_{what}",
        f"open + all {what}, per tensor: does 1,000,000 stay linear?",
        "together", "1m", "warm",
        tuple(
            Run(f"{OURS}, {title}", f"tensorbundle_.{what}", data=data, facts=facts)
            for data, title in
            (("1m", "1,000,000"), ("50k", "50,000"), ("10k", "10,000"), ("1k", "1,000"))
        ),
        (Goal(f"{OURS}, 50,000", 0.5, f"{OURS}, 1,000,000"),),
        repeats=5, per_tensor=True,
    )  # fmt: skip


def _peak(data: str, title: str, repeats: int, *commands: tuple[str, tuple[str, ...]]) -> Task:
    return Task(
        f"peak_{data}", f"peak memory of the command line, {title}", "process", data, "warm",
        (
            Run("import", command=("-c", "import tensorbundle.cli")),
            *(Run(label, command=("-m", "tensorbundle", *command)) for label, command in commands),
        ),
        repeats=repeats, memory_goal=True,
    )  # fmt: skip


def _saved(label: str, call: str) -> Run:
    return Run(label, call, facts="read_back")


def _save_1g(where: Literal["disk", "tmpfs"], call: str, title: str, goal: float) -> Task:
    return Task(
        f"save_1g_{where}", f"save 1 GB, {title}", "together", "1g", "none",
        (
            _saved(OURS, f"tensorbundle_.{call}"),
            _saved(TF_SAVE, f"tensorflow_.{call}"),
            _saved(SAFETENSORS, f"safetensors_.{call}"),
        ),
        (Goal(TF_SAVE, goal),),
        repeats=7, writes=where,
    )  # fmt: skip


def _index_only(what: str, data: str) -> Task:
    return Task(
        f"{what}_1g", f"{what} in a checkpoint of 1 GB, on the disk", "together", data, "warm",
        (
            Run(OURS, f"tensorbundle_.{what}", facts=f"{what}_undone"),
            Run(COPY, "files_.copy", facts=f"before_{what}"),
            Run(f"{COPY}, fsync", "files_.copy_synced", facts=f"before_{what}"),
        ),
        (Goal(COPY, 20),),
        repeats=7, writes="disk", rate=False,
    )  # fmt: skip


def _gathered(what: str, title: str, data: str, *, rate: bool) -> Task:
    return Task(
        what, title, "fresh", data, "warm",
        (
            _saved(OURS, f"tensorbundle_.{what}"),
            Run(READ_WRITE, f"files_.read_write_{what}", facts=what),
        ),
        (Goal(READ_WRITE, 1 / 1.25),),
        repeats=5, writes="disk", growth_goal=128, rate=rate,
    )  # fmt: skip


def _exported(suffix: str, rival: str, goal: float) -> Task:
    return Task(
        f"export_{suffix}_1g", f"export 1 GB to .{suffix}, checked, with fsync", "together", "1g",
        "warm",
        (
            Run(OURS, f"tensorbundle_.export_{suffix}", facts="exported"),
            Run(rival, f"tensorflow_.export_{suffix}", facts="exported"),
            Run(COPY, "files_.copy", facts="copied"),
            Run(f"{COPY}, fsync", "files_.copy_synced", facts="copied"),
        ),
        (Goal(rival, 1), Goal(f"{COPY}, fsync", goal)),
        repeats=5, writes="disk", growth_goal=64,
    )  # fmt: skip


def _frozen(what: str, title: str, data: str, rival: str, goal: float, growth: int) -> Task:
    return Task(
        what, title, "fresh", data, "warm",
        (
            Run(OURS, f"tensorbundle_graphs_.{what}", facts="constants"),
            Run(rival, f"tensorflow_graphs_.{what}", facts="constants"),
        ),
        (Goal(rival, goal),),
        repeats=3, writes="disk", growth_goal=growth,
    )  # fmt: skip


_LS = ("ls", ("ls", "{prefix}"))
_VERIFY = ("verify", ("verify", "{prefix}"))
_EXPORTS = tuple(
    (f"export {label}", ("export", "--force", "{prefix}", "{scratch}/export" + suffix))
    for label, suffix in (("npz", ".npz"), ("safetensors", ".safetensors"), ("npy", "/"))
)

TASKS = (
    Task(
        "load_50k", "all 50,000 tensors, owned and checked", "together", "50k", "warm", _LOADERS,
        (Goal(TF_LOOP, 80), Goal(TF_RESTORE, 10)),
    ),
    Task(
        "load_10k", "all 10,000 tensors, owned and checked", "together", "10k", "warm", _LOADERS,
        (Goal(TF_LOOP, 25),),
    ),
    Task(
        "views_50k", "all 50,000 tensors, borrowed", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.views"),
            Run(f"{OURS}, unchecked", "tensorbundle_.views_unchecked"),
            Run(TF_LOOP, "tensorflow_.loop"),
            Run(TF_SORTED, "tensorflow_.sorted_loop"),
        ),
        (Goal(TF_LOOP, 130), Goal(TF_LOOP, 130, f"{OURS}, unchecked")),
    ),
    Task(
        "items_50k", "for name, array in items(), of 50,000", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.items"),
            Run(f"{OURS}, dict()", "tensorbundle_.as_dict"),
            Run(f"{OURS}, views", "tensorbundle_.views"),
            Run(TF_SORTED, "tensorflow_.sorted_loop"),
            Run(TF_LOOP, "tensorflow_.loop"),
        ),
        (
            Goal(TF_SORTED, 1.3),
            Goal(f"{OURS}, views", 1 / 1.6),
        ),
        per_tensor=True,
    ),
    Task(
        "own_names_50k", "ckpt[name], names from a list of one's own, of 50,000",
        "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.own_names"),
            Run(f"{OURS}, shuffled", "tensorbundle_.shuffled_names"),
            Run(f"{OURS}, shuffled, again", "tensorbundle_.names_again"),
            Run(TF_SORTED, "tensorflow_.sorted_loop"),
            Run("TensorFlow: loop, names shuffled", "tensorflow_.shuffled_names"),
        ),
        (Goal(TF_SORTED, 1.3), Goal(TF_SORTED, 1.3, f"{OURS}, shuffled")),
        per_tensor=True,
    ),
    Task(
        "missing_50k", "50,000 names that are not there, of 50,000", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.missing"),
            Run(f"{OURS}, get", "tensorbundle_.missing_get"),
            Run("TensorFlow: has_tensor", "tensorflow_.missing"),
        ),
        per_tensor=True, rate=False,
    ),
    Task(
        "load_variable_100", "load_variable 100 times, same checkpoint of 50,000",
        "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.load_variables"),
            Run("TensorFlow", "tensorflow_.load_variables"),
        ),
        (Goal("TensorFlow", 100),),
        repeats=3, rate=False,
    ),
    Task(
        "one_of_50k", "open + one of 50,000 tensors", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.one"),
            Run("TensorFlow: get_tensor", "tensorflow_.one"),
            Run("TensorFlow: load_variable", "tensorflow_.load_variable"),
            Run(SAFETENSORS, "safetensors_.one"),
            Run(NPZ, "npz_.one"),
        ),
        (Goal("TensorFlow: get_tensor", 250), Goal("TensorFlow: load_variable", 250)),
    ),
    Task(
        "names_50k", "open + all names of 50,000", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.names"),
            Run(TF_MAPS, "tensorflow_.two_maps", facts="names_of"),
        ),
        (Goal(TF_MAPS, 12),),
    ),
    Task(
        "infos_50k", "open + dtypes and shapes of 50,000", "together", "50k", "warm",
        (
            Run(OURS, "tensorbundle_.infos", facts="facts_of"),
            Run(TF_MAPS, "tensorflow_.two_maps", facts="facts_of"),
        ),
        (Goal(TF_MAPS, 2),),
    ),
    _growth("names"),
    _growth("infos"),
    _growth("load"),
    Task(
        "start", "process start to first tensor, of 50,000", "process", "50k", "warm",
        (
            _program(OURS, "tensorbundle_", "{prefix}"),
            _program("TensorFlow", "tensorflow_", "{prefix}"),
            _program(SAFETENSORS, "safetensors_", "{safetensors}"),
            _program(NPZ, "npz_", "{npz}"),
            _program("import numpy alone", "numpy_", ""),
        ),
        (
            Goal("TensorFlow", 15),
            Goal("import numpy alone", 1 / 1.15),
            Goal("TensorFlow", 15, of="rss"),
        ),
        repeats=15,
    ),
    Task(
        "import", "import alone", "process", "50k", "none",
        (
            _program(OURS, "tensorbundle_", ""),
            _program("TensorFlow", "tensorflow_", ""),
            _program(SAFETENSORS, "safetensors_", ""),
            _program("numpy", "numpy_", ""),
        ),
    ),
    Task(
        "verify_warm", "verify 1 GB", "together", "1g", "warm",
        (
            Run(OURS, "tensorbundle_.verify"),
            Run("numpy sums the mapped file", "numpy_.read_mapped"),
            Run("numpy, map kept", "numpy_.read_mapping_kept"),
        ),
        (Goal("numpy sums the mapped file", 0.75), Goal("numpy, map kept", 0.75)),
    ),
    Task(
        "verify_cold", "verify 1 GB", "together", "1g", "cold",
        (Run(OURS, "tensorbundle_.verify"), Run("cat", "cat_.cat")),
        (Goal("cat", 0.9),),
    ),
    Task(
        "crc_256m", "CRC-32C of 256 MiB from Python, one thread", "together", "memory-256m", "none",
        (Run(OURS, "tensorbundle_.crc32c"), Run("crc32c package", "crc32c_.crc32c")),
        (Goal("crc32c package", 1.7),),
        repeats=15,
    ),
    Task(
        "crc_64b", "CRC-32C of 64 bytes from Python", "together", "memory-64b", "none",
        (Run(OURS, "tensorbundle_.crc32c"), Run("crc32c package", "crc32c_.crc32c")),
    ),
    Task(
        "crc_kernel", "CRC-32C kernel in C++, 256 MiB, one thread", "kernel", "memory-256m", "none",
        (Run(OURS), Run("plain read")),
        (Goal("plain read", 0.85),),
    ),
    Task(
        "load_1g", "1 GB, owned and checked, first read of a process", "fresh", "1g", "warm",
        (*_LOADERS[:3], *_LOADERS[4:]), (Goal(TF_LOOP, 3), Goal(SAFETENSORS, 2.5)), repeats=7,
    ),
    Task(
        "load_1g_into", "1 GB into given memory", "together", "1g", "warm",
        (Run(OURS, "tensorbundle_.load_into"), *_LOADERS[1:3], _LOADERS[4]),
        (Goal(TF_LOOP, 2.3),),
    ),
    Task(
        "load_1g_cold", "1 GB, owned and checked, first read of a process", "fresh", "1g", "cold",
        (*_LOADERS[:3], _LOADERS[4]), (Goal(TF_LOOP, 1),), repeats=7,
    ),
    Task(
        "loop_4g", "a loop over 4 GB: four loads, per load", "fresh", "4g", "warm",
        _LOADERS[:2], (Goal(TF_LOOP, 1),), repeats=3, calls=4,
    ),
    Task(
        "save_50k", "save 50,000 small tensors", "together", "50k", "none",
        (
            _saved(OURS, "tensorbundle_.save"),
            _saved(f"{OURS}, fsync", "tensorbundle_.save_synced"),
            _saved(TF_SAVE, "tensorflow_.save"),
            _saved(SAFETENSORS, "safetensors_.save"),
        ),
        (Goal(TF_SAVE, 5),), writes="disk",
    ),
    _exported("safetensors", TF_SAFETENSORS, 0.8),
    _exported("npz", TF_NPZ, 0.6),
    _save_1g("disk", "save_synced", "on the disk, with fsync", 1.5),
    _save_1g("tmpfs", "save", "on tmpfs", 1.4),
    _index_only("rename", "1g"),
    _index_only("strip", "1g-adam"),
    _gathered("average", "average of five checkpoints of 1 GB", "5x1g", rate=True),
    _gathered("merge", "merge of 64 shards of 16 MiB", "64x16m", rate=False),
    _frozen("freeze_meta", "freeze a .meta model of 1 GiB", "graph-1g", TF_FREEZE, 8, 64),
    _frozen(
        "freeze_saved_model", "freeze a SavedModel of 0.5 GiB", "saved-model-512m",
        TF_CONVERT, 15, 0,
    ),
    Task(
        "load_graph", "load and summarise a .meta of 15,000 nodes", "together", "graph-15k", "warm",
        (
            Run(OURS, "tensorbundle_graphs_.summarise", facts="counted"),
            Run(TF_IMPORT, "tensorflow_graphs_.import_meta", facts="counted"),
        ),
        (Goal(TF_IMPORT, 20),), rate=False,
    ),
    Task(
        "suggest_outputs", "load a .meta of 15,000 nodes and suggest outputs", "together",
        "graph-15k", "warm", (Run(OURS, "tensorbundle_graphs_.suggest"),), rate=False,
    ),
    _peak("1g", "1 GB of 64 tensors", 3, _LS, _VERIFY, *_EXPORTS),
    _peak("50k", "50,000 tensors", 1, _LS, _VERIFY, *_EXPORTS),
    _peak("1m", "1,000,000 tensors", 3, _LS, _VERIFY),
)  # fmt: skip
