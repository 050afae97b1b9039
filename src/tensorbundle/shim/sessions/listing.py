"""Listing what is in the default graph: collections, variables, their initialisers."""

from __future__ import annotations

from typing import Any

from .elements import Initializer
from .graph import Graph, get_default_graph


class GraphKeys:
    """Names of collections."""

    GLOBAL_VARIABLES = VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    REGULARIZATION_LOSSES = "regularization_losses"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    SAVERS = "savers"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """List what is in a collection of the default graph."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """List what is in a collection of the default graph."""
    return get_default_graph().get_collection(key)


def global_variables(scope: str | None = None) -> list[Any]:
    """List the variables of the default graph."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


all_variables = global_variables


def trainable_variables(scope: str | None = None) -> list[Any]:
    """List the variables of the default graph that training changes."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """List the variables of the default graph that are not saved."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """List the variables of the default graph that its layers made."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def global_variables_initializer() -> Initializer:
    """Operation that initialises all variables."""
    return Initializer(get_default_graph(), "init", tuple(_names(global_variables())))


def local_variables_initializer() -> Initializer:
    """Operation that initialises local variables."""
    return Initializer(get_default_graph(), "init_local", tuple(_names(local_variables())))


def tables_initializer(name: str = "init_all_tables") -> Initializer:
    """Operation that fills lookup tables, which are filled whenever they are asked."""
    return Initializer(get_default_graph(), name)


def variables_initializer(var_list: Any, name: str = "init") -> Initializer:
    """Operation that initialises some variables."""
    return Initializer(get_default_graph(), name, tuple(_names(var_list)))


def get_global_step(graph: Graph | None = None) -> Any:
    """Find the variable that counts steps, or None."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    named = [each for each in global_variables() if each.op.name == "global_step"]
    return next(iter(found or named), None)


def _names(variables: list[Any]) -> list[str]:
    return [each.stored.name for each in variables]
