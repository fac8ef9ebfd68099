"""docs/bridge-protocol.md: its test vectors and its table of kinds are what the codec does."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from routewright.bridge import codec

PAGE = (Path(__file__).parents[2] / "docs" / "bridge-protocol.md").read_text(encoding="utf-8")
SENDERS: dict[str, Callable[[bytes], list[Any]]] = {"W": codec.decode_from_worker, "G": codec.decode_from_gateway}
KINDS: dict[Any, type[codec.Message]] = {kind.__struct_config__.tag: kind for kind in codec.Message.__subclasses__()}


def _vectors() -> list[Any]:
    (block,) = re.findall(r'^```text title="vectors"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
    vectors = []
    for vector in block.strip().split("\n\n"):
        title, batch, digits = vector.split("\n")
        sender, _, _ = title.partition(": ")
        vectors.append(pytest.param(sender, _plain(json.loads(batch)), bytes.fromhex(digits), id=title))
    return vectors


def _plain(value: Any) -> Any:
    """The values that a MessagePack decoder gives; ``bin`` is an object with one key in the page's JSON."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        if set(value) == {"bin"}:
            return value["bin"].encode()
        if set(value) == {"hex"}:
            return bytes.fromhex(value["hex"])
        return {key: _plain(each) for key, each in value.items()}
    return value


@pytest.mark.parametrize(("sender", "batch", "data"), _vectors())
def test_a_vector_s_bytes_are_its_batch(sender: str, batch: list[Any], data: bytes) -> None:
    assert msgspec.msgpack.decode(data) == batch
    assert msgspec.msgpack.encode(batch) == data


@pytest.mark.parametrize(("sender", "batch", "data"), _vectors())
def test_the_codec_reads_and_writes_a_vector(sender: str, batch: list[Any], data: bytes) -> None:
    messages = SENDERS[sender](data)
    assert [KINDS[kind] for kind, *_ in batch] == [type(message) for message in messages]
    for fields, message in zip(batch, messages, strict=True):
        known = message.__struct_fields__[: len(fields) - 1]
        assert [getattr(message, name) for name in known] == fields[1:]
    whole = [[kind, *map(_bare, _values(message))] for (kind, *_), message in zip(batch, messages, strict=True)]
    assert msgspec.msgpack.decode(codec.encode(messages)) == whole
    if whole == batch:
        assert codec.encode(messages) == data


def _values(message: Any) -> list[Any]:
    return [getattr(message, name) for name in message.__struct_fields__]


def _bare(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def test_every_kind_has_a_vector() -> None:
    seen = {kind for parameters in _vectors() for kind, *_ in parameters.values[1]}
    assert seen == set(KINDS)


def test_unknown_trailing_fields_are_ignored_and_unknown_kinds_are_not() -> None:
    assert codec.decode_from_worker(msgspec.msgpack.encode([[7, 1, None, True, False, "later"]])) == [codec.Reply(1)]
    with pytest.raises(codec.CodecError):
        codec.decode_from_worker(msgspec.msgpack.encode([[99]]))
    with pytest.raises(codec.CodecError):
        codec.decode_from_worker(msgspec.msgpack.encode([[2]]))


def test_the_page_s_table_is_the_codec() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (W|G|both) \| (.*?) ?\|$", PAGE, re.MULTILINE)
    assert {int(number): name for name, number, _, _ in rows} == {
        number: kind.__name__.lower() for number, kind in KINDS.items()
    }
    for name, number, sender, listed in rows:
        kind = KINDS[int(number)]
        assert _listed(listed) == _declared(kind), name
        assert sender == _sender(kind), name


def _listed(text: str) -> list[tuple[str, str]]:
    """Fields of a row as ``(name, default)``, the default ``""`` where there is none."""
    found = re.findall(r"`(\w+)` [a-z ]+?(?: \(([^)]*)\))?(?:, |$)", text)
    assert len(found) == text.count("`") // 2, text
    return found


def _declared(kind: type[msgspec.Struct]) -> list[tuple[str, str]]:
    found = []
    for field in msgspec.structs.fields(kind):
        if field.required:
            found.append((field.name, ""))
        elif field.default_factory is not msgspec.NODEFAULT:
            found.append((field.name, "{}"))
        else:
            found.append((field.name, _written(field.default)))
    return found


def _written(value: Any) -> str:
    if value is None:
        return "nil"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _sender(kind: type[codec.Message]) -> str:
    worker = kind in codec.FromWorker.__args__
    gateway = kind in codec.FromGateway.__args__
    return "both" if worker and gateway else "W" if worker else "G"


def test_the_page_s_times_are_the_codec_s() -> None:
    assert (codec.VERSION, codec.HEARTBEAT, codec.DEAD) == (1, 1.0, 10.0)
