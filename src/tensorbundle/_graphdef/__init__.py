"""The messages of graphs: nodes, attributes, tensors, functions, MetaGraphs, and their files.

Bytes are kept and decoded when somebody asks; what is not changed is written again as it was read.
Nothing here knows checkpoints. Wire format: ``_wire.py``; the bulk walk: ``graph_scan.hpp``.
"""

from .._wire import bytes_field, bytes_header, encode_varint, int_field, text_field
from ._attr import (
    AttrValue,
    DataType,
    FunctionRef,
    Placeholder,
    bool_attr,
    decode_attr,
    fill_placeholders,
    float_attr,
    function_attr,
    function_list_attr,
    function_names,
    int_attr,
    int_list_attr,
    placeholder_attr,
    rename_functions,
    shape_attr,
    shape_list_attr,
    string_attr,
    string_list_attr,
    tensor_attr,
    type_attr,
    type_list_attr,
)
from ._encode import Raw, map_fields
from ._facts import (
    Asset,
    Collection,
    SaverDef,
    Signature,
    SliceInfo,
    TensorFact,
    VariableDef,
    Versions,
)
from ._files import GraphFile, read_graph_file
from ._function import Arg, Function, FunctionLibrary, OpDef, decode_function, decode_op_def
from ._kinds import tell_kind
from ._meta import Edges, MetaGraph
from ._node import Input, Node, Nodes, const_node, join_input, make_node, parse_input
from ._places import find_graph_file
from ._shape import ShapeValue
from ._tensor import TensorMessage, decode_tensor, encode_tensor, tensor_header

__all__ = [
    "Arg",
    "Asset",
    "AttrValue",
    "Collection",
    "DataType",
    "Edges",
    "Function",
    "FunctionLibrary",
    "FunctionRef",
    "GraphFile",
    "Input",
    "MetaGraph",
    "Node",
    "Nodes",
    "OpDef",
    "Placeholder",
    "Raw",
    "SaverDef",
    "ShapeValue",
    "Signature",
    "SliceInfo",
    "TensorFact",
    "TensorMessage",
    "VariableDef",
    "Versions",
    "bool_attr",
    "bytes_field",
    "bytes_header",
    "const_node",
    "decode_attr",
    "decode_function",
    "decode_op_def",
    "decode_tensor",
    "encode_tensor",
    "encode_varint",
    "fill_placeholders",
    "find_graph_file",
    "float_attr",
    "function_attr",
    "function_list_attr",
    "function_names",
    "int_attr",
    "int_field",
    "int_list_attr",
    "join_input",
    "make_node",
    "map_fields",
    "parse_input",
    "placeholder_attr",
    "read_graph_file",
    "rename_functions",
    "shape_attr",
    "shape_list_attr",
    "string_attr",
    "string_list_attr",
    "tell_kind",
    "tensor_attr",
    "tensor_header",
    "text_field",
    "type_attr",
    "type_list_attr",
]
