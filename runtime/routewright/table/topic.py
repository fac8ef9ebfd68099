"""A topic: a name, or a pattern of names, that clients subscribe to and events are published on."""

from typing import Literal

import msgspec


class Authorize(msgspec.Struct, frozen=True, kw_only=True):
    """Who may subscribe: a principal that has all of the ``scopes``; ``parameters`` says of placeholders what they must
    equal: ``principal.id``, ``principal.claims.NAME``, or ``parameters.NAME`` of the path."""

    scopes: tuple[str, ...] = ()
    parameters: dict[str, str] = msgspec.field(default_factory=dict)


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a route's ``topics``.

    Attributes:
        name: segments between dots, each a literal or a placeholder: ``jobs.{id}``.
        messages: the types that are published here; without any, all that handlers of the route send.
        authorize: ``None`` where everyone on the route may subscribe (as far as plugins let them).
        retain: a new subscriber gets the last value.
        presence: subscribers see who else is there.
        publish: who may publish: handlers only, or clients that have subscribed as well.
    """

    name: str
    messages: tuple[str, ...] = ()
    authorize: Authorize | None = None
    retain: bool = False
    presence: bool = False
    publish: Literal["handlers", "clients"] = "handlers"
