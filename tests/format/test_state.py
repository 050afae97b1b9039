"""The state file's grammar and bytes, against format.md §1.4 and protobuf's own text parser."""

import math
import warnings

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle._format.state import CheckpointState, encode_state, parse_state
from tensorbundle.errors import FormatError

WRITTEN_BY_TENSORFLOW = (
    b'model_checkpoint_path: "ckpt-5"\n'
    b'all_model_checkpoint_paths: "ckpt-4"\n'
    b'all_model_checkpoint_paths: "ckpt-5"\n'
    b"all_model_checkpoint_timestamps: 1795231217.2640991\n"
    b"all_model_checkpoint_timestamps: 1795231217.2881486\n"
    b"last_preserved_timestamp: 1795231216.2367654\n"
)
STATE = CheckpointState(
    "ckpt-5", ("ckpt-4", "ckpt-5"), (1795231217.2640991, 1795231217.2881486), 1795231216.2367654
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOUBLES = st.floats(allow_nan=False)
STATES = st.builds(
    CheckpointState,
    TEXTS,
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(DOUBLES, max_size=3).map(tuple),
    DOUBLES,
)


@pytest.fixture(scope="module")
def message_class():
    """TensorFlow's CheckpointState, declared anew so that TensorFlow is not imported."""
    file = descriptor_pb2.FileDescriptorProto(name="state.proto", package="t", syntax="proto3")
    message = file.message_type.add(name="CheckpointState")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="model_checkpoint_path", number=1, type=field.TYPE_STRING, label=1)
    message.field.add(name="all_model_checkpoint_paths", number=2, type=field.TYPE_STRING, label=3)
    message.field.add(
        name="all_model_checkpoint_timestamps", number=3, type=field.TYPE_DOUBLE, label=3
    )
    message.field.add(name="last_preserved_timestamp", number=4, type=field.TYPE_DOUBLE, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.CheckpointState"))


def merge(message_class, text):
    """What protobuf makes of a text, without its warnings about odd escapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return text_format.Merge(text, message_class())


def as_message(message_class, state):
    return message_class(
        model_checkpoint_path=state.model_checkpoint_path,
        all_model_checkpoint_paths=state.all_model_checkpoint_paths,
        all_model_checkpoint_timestamps=state.all_model_checkpoint_timestamps,
        last_preserved_timestamp=state.last_preserved_timestamp,
    )


def from_message(message):
    return CheckpointState(
        message.model_checkpoint_path,
        tuple(message.all_model_checkpoint_paths),
        tuple(message.all_model_checkpoint_timestamps),
        message.last_preserved_timestamp,
    )


def test_parse_of_tensorflows_bytes_gives_every_field():
    assert parse_state(WRITTEN_BY_TENSORFLOW) == STATE


def test_encode_gives_tensorflows_bytes():
    assert encode_state(STATE) == WRITTEN_BY_TENSORFLOW


@given(STATES)
def test_encode_then_parse_gives_the_same_state(state):
    assert parse_state(encode_state(state)) == state


@given(STATES)
def test_encode_gives_the_bytes_of_protobufs_printer(message_class, state):
    expected = text_format.MessageToString(as_message(message_class, state), as_utf8=True)
    assert encode_state(state) == expected.encode()


@given(STATES, st.booleans())
def test_parse_understands_protobufs_printer_in_every_mode(message_class, state, as_utf8):
    message = as_message(message_class, state)
    for one_line in (False, True):
        text = text_format.MessageToString(message, as_utf8=as_utf8, as_one_line=one_line)
        assert parse_state(text) == state


def test_encode_of_special_doubles_matches_protobuf(message_class):
    values = (
        1.0,
        1e300,
        5e-324,
        math.inf,
        -math.inf,
        math.nan,
        -0.0,
        0.0,
        1e16,
        123456789012345680.0,
    )
    for last in values:
        state = CheckpointState("x", (), values, last)
        message = as_message(message_class, state)
        assert encode_state(state).decode() == text_format.MessageToString(message)


def test_encode_of_integer_timestamps_writes_doubles():
    state = CheckpointState("x", ("x",), (1,), 2)
    assert b"_timestamps: 1.0\nlast_preserved_timestamp: 2.0\n" in encode_state(state)


def test_encode_of_empty_state_gives_no_bytes():
    assert encode_state(CheckpointState()) == b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n# only a comment",
        "model_checkpoint_path: 'a' \"b\" # adjacent, both quotes\n 'c'",
        'model_checkpoint_path:"x"all_model_checkpoint_paths:"y"',
        'model_checkpoint_path: "x"\r\nall_model_checkpoint_paths: "x"\r\n',
        'model_checkpoint_path: "first" model_checkpoint_path: "last"',
        'model_checkpoint_path: "x", last_preserved_timestamp: 1; all_model_checkpoint_paths: "y"',
        'all_model_checkpoint_paths: ["a", "b" \'c\'],',
        'all_model_checkpoint_paths: ["a"] all_model_checkpoint_paths: "b"',
        "all_model_checkpoint_paths: []",
        "all_model_checkpoint_timestamps: [1, 2.5, .5e1, 1.5f, -inf, INFINITY, +1, 1., 1_0]",
        "last_preserved_timestamp: 1e999",
        r'model_checkpoint_path: "\a\b\f\n\r\t\v\\\"" ' + r"'\''",
        r'model_checkpoint_path: "\303\251 \xc3\xa9 \u00e9 \U0001F600 \101 \7 \xe"',
        r'model_checkpoint_path: "c:\\Users\\x\\model.ckpt"',
        r'model_checkpoint_path: "a\\x4 \q \8"',
        'model_checkpoint_path: "# no comment ; , : é 😀 \u2028"',
        'model_checkpoint_path:\xa0"x"\x0b\x0c',
    ],
)
def test_parse_of_legal_text_agrees_with_protobuf(message_class, text):
    expected = from_message(merge(message_class, text))
    assert parse_state(text) == expected
    assert parse_state(text.encode()) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('model_checkpoint_path "x"', r"line 1, column 23: expected ':', found '\"x\"'"),
        ("model_checkpoint_path: x", "line 1, column 24: expected a quoted string, found 'x'"),
        ("model_checkpoint_path:", "expected a quoted string, found the end of the text"),
        ('\n\n  unknown: "x"', "line 3, column 3: unknown field 'unknown', expected one of model_"),
        ('1: "x"', "unknown field '1'"),
        ('model_checkpoint_path: ["a"]', r"expected a quoted string, found '\['"),
        ('all_model_checkpoint_paths: ["a",]', r"expected a quoted string, found '\]'"),
        ('all_model_checkpoint_paths: ["a" "b"', r"expected '\]', found the end of the text"),
        ('model_checkpoint_path: "a\nb"', "expected the closing quote"),
        ('model_checkpoint_path: "a', "expected the closing quote"),
        ('model_checkpoint_path: "a\\', "expected the closing quote"),
        ('model_checkpoint_path: "a";;', "unknown field ';'"),
        (", ", "unknown field ','"),
        ("{}", "unknown field '{'"),
        ("\x00", r"unknown field '\\x00'"),
        ('\ufeffmodel_checkpoint_path: "x"', r"unknown field '\\ufeff'"),
        (r'model_checkpoint_path: "\777"', r"bad escape"),
        (r'model_checkpoint_path: "\x"', r"bad escape"),
        (r'model_checkpoint_path: "\u12"', r"bad escape"),
        (r'model_checkpoint_path: "\ud83d\ude00"', r"bad escape"),
        (r'model_checkpoint_path: "\U00110000"', r"bad escape"),
        ("last_preserved_timestamp: 012", "expected a number, found '012'"),
        ("last_preserved_timestamp: 0x10", "expected a number, found '0x10'"),
        ("last_preserved_timestamp: - 1", "expected a number, found '-'"),
        ('last_preserved_timestamp: "1"', "expected a number"),
        ("last_preserved_timestamp:", "expected a number, found the end of the text"),
        ("model_checkpoint_path < >", "expected ':', found '<'"),
    ],
)
def test_parse_of_illegal_text_raises_format_error(message_class, text, message):
    with pytest.raises(FormatError, match=message):
        parse_state(text)
    with pytest.raises(text_format.ParseError, match=r"^\d+:\d+ : "):
        merge(message_class, text)


def test_parse_of_escaped_question_mark_follows_the_language():
    # Python's protobuf keeps the backslash; the text format's definition and C++ do not.
    assert parse_state(r'model_checkpoint_path: "a\?"').model_checkpoint_path == "a?"


@pytest.mark.parametrize("raw", [b"caf\xe9", rb"caf\351", rb"caf\xe9"])
def test_parse_of_undecodable_bytes_gives_surrogates(raw):
    state = parse_state(b'model_checkpoint_path: "' + raw + b'"')
    assert state.model_checkpoint_path == "caf\udce9"
    assert encode_state(state) == b'model_checkpoint_path: "caf\xe9"\n'


@given(st.binary(max_size=60))
def test_parse_of_any_bytes_gives_a_state_or_a_format_error(data):
    try:
        parse_state(b'model_checkpoint_path: "' + data)
        parse_state(data)
    except FormatError:
        pass


def test_parse_of_a_huge_token_keeps_the_message_short():
    with pytest.raises(FormatError, match="unknown field") as caught:
        parse_state("x" * 100_000)
    assert len(str(caught.value)) < 400
