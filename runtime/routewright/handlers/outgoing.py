"""Frames that leave a handler: a model, an envelope dict or raw data becomes the bytes that a client (or, for a call,
another handler) receives.

Strategy: the envelope structs of `routewright.table.frames` are built once; a model finds its own by its class. Dicts
take the slow way through `msgspec.convert`, so nothing leaves that its declaration does not allow.
"""

import types
import typing
from collections.abc import Iterable
from typing import Any

import msgspec

from routewright.table import MessageType, Route
from routewright.table.frames import Id, envelope_type

encode_json = msgspec.json.Encoder().encode


class Undeclared(msgspec.Struct, omit_defaults=True, gc=False):
    """The envelope of a message that an open route does not declare."""

    type: str
    id: Id = None
    payload: Any = None
    final: bool = False


class _End(msgspec.Struct, omit_defaults=True, gc=False):
    type: str
    final: bool
    id: Id = None


decode_undeclared = msgspec.json.Decoder(Undeclared).decode


def models(payload: Any) -> list[type]:
    """The structs that a payload may be an instance of."""
    origin = typing.get_origin(payload)
    if origin is typing.Annotated:
        return models(typing.get_args(payload)[0])
    if origin in (typing.Union, types.UnionType):
        return [model for option in typing.get_args(payload) for model in models(option)]
    return [payload] if isinstance(payload, type) and issubclass(payload, msgspec.Struct) else []


class Outgoing:
    """What may be sent on one route (or as one reply): its messages, whether it is open, whether it is raw.

    Attributes:
        envelopes: the envelope struct of each model that belongs to exactly one message.
    """

    __slots__ = ("_ambiguous", "_named", "_what", "envelopes", "open", "raw")

    def __init__(self, messages: Iterable[MessageType], envelopes: dict[str, Any], what: str, route: Route) -> None:
        self.open = route.open
        self.raw = route.framing == "raw"
        self._what = what
        self._named = {message.name: (message, envelopes[message.name]) for message in messages}
        self.envelopes: dict[type, Any] = {}
        self._ambiguous: dict[type, list[str]] = {}
        for message, envelope in self._named.values():
            for model in models(message.payload):
                self.envelopes[model] = envelope
                self._ambiguous.setdefault(model, []).append(message.name)
        for model, names in self._ambiguous.items():
            if len(names) > 1:
                del self.envelopes[model]

    def name(self, message: Any) -> str:
        """The name of a message: of a model (or its class), of an envelope dict, or a name that is given as such.

        Raises:
            ValueError: it is none of the messages that may be sent here, or one of several.
        """
        named = message.get("type") if isinstance(message, dict) else message
        if isinstance(named, str) and (named in self._named or self.open):
            return named
        model = message if isinstance(message, type) else type(message)
        envelope = self.envelopes.get(model)
        if envelope is not None:
            return str(envelope.message.name)
        raise ValueError(f"{named if isinstance(named, str) else model.__name__!r} given, expected {self.expected}")

    def encode(self, message: Any, id: Id = None, final: bool = False) -> tuple[bytes, bool]:
        """The frame of a message, and whether it is a binary one.

        Raises:
            ValueError: it is none of the messages that may be sent here, or does not fit its declaration; the text
                names what was given and what is expected.
        """
        if self.raw:
            return self._raw(message)
        envelope = self.envelopes.get(type(message))
        if envelope is not None:
            return self._bytes(envelope(payload=message, id=id, final=final), type(message).__name__), False
        if isinstance(message, dict):
            return self._dict(message, id, final), False
        names = self._ambiguous.get(type(message))
        if names:
            raise ValueError(
                f"{type(message).__name__} is the payload of several messages ({', '.join(names)}): "
                'say which by {"type": ..., "payload": ...}'
            )
        raise ValueError(f"{_describe(message)} given, expected {self.expected}")

    def end(self, id: Id, last: bytes | None) -> bytes | None:
        """The frame that ends a stream: the type of its parts, ``final``, and no payload. ``last`` is the last part;
        a stream without one ends with the declared type. ``None`` where there is nothing to tell."""
        if self.raw:
            return None
        if last is not None:
            name = decode_undeclared(last).type
        elif len(self._named) == 1:
            name = next(iter(self._named))
        else:
            return None
        return encode_json(_End(name, True, id))

    @property
    def expected(self) -> str:
        """What may be sent, for people."""
        if self.raw:
            return "str or bytes"
        names = [
            " or ".join(model.__name__ for model in models(message.payload)) + f" ({name!r})"
            if models(message.payload)
            else '{"type": ' + repr(name) + ("" if message.payload is None else ', "payload": ...') + "}"
            for name, (message, _) in self._named.items()
        ]
        if self.open:
            names.append('{"type": ..., "payload": ...}')
        return f"{self._what}: {', '.join(names)}" if names else f"nothing: there is no {self._what}"

    def _raw(self, message: Any) -> tuple[bytes, bool]:
        if isinstance(message, str):
            try:
                return message.encode(), False
            except UnicodeEncodeError as error:
                raise ValueError(f"the text cannot be sent as UTF-8 ({error.reason})") from None
        if isinstance(message, bytes | bytearray | memoryview):
            return bytes(message), True
        raise ValueError(f"{_describe(message)} given, expected str or bytes: the route is raw")

    def _dict(self, message: dict[Any, Any], id: Id, final: bool) -> bytes:
        name = message.get("type")
        if not isinstance(name, str):
            raise ValueError(f'a dict without a "type" given, expected {self.expected}')
        extra = [key for key in message if key not in ("type", "payload")]
        if extra:
            more = ", ".join(map(repr, extra))
            raise ValueError(f'the envelope of {name!r} has further keys ({more}): only "type" and "payload" are sent')
        payload = message.get("payload")
        if name in self._named:
            declared, envelope = self._named[name]
            if payload is None and declared.optional:
                payload = {}
            if declared.check is not None and (violation := declared.check(msgspec.to_builtins(payload))) is not None:
                where = f" - at `$.payload{violation.where}`"
                raise ValueError(f"the payload of {name!r} does not fit its declaration: {violation.message}{where}")
            try:
                payload = msgspec.convert(payload, declared.payload)
            except msgspec.ValidationError as error:
                raise ValueError(f"the payload of {name!r} does not fit its declaration: {error}") from None
            return self._bytes(envelope(payload=payload, id=id, final=final), name)
        if not self.open:
            raise ValueError(f"{name!r} given, expected {self.expected}")
        if name == "error" or name.startswith("$"):
            raise ValueError(f"the type {name!r} is reserved; raise HandlerError for an error")
        return self._bytes(Undeclared(name, id, payload, final), name)

    def _bytes(self, envelope: Any, name: str) -> bytes:
        try:
            return encode_json(envelope)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"{name} cannot be written as JSON: {error}") from error


def envelopes(route: Route) -> dict[str, Any]:
    """The envelope struct of each message that a route declares."""
    return {message.name: envelope_type(message) for message in route.messages}


def _describe(message: Any) -> str:
    return f"{type(message).__qualname__}" + ("" if message is not None else " (None)")
