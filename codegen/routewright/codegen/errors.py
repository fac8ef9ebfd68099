"""The errors of the compiler: what cannot be rendered, what cannot be published."""

from collections.abc import Iterator
from contextlib import contextmanager


class RenderError(Exception):
    """A spec that has no rendering: `routewright.spec.check` lets none through, a spec built by hand may be one.

    Attributes:
        place: the part of the spec, as ``route 'vision', message 'analyze'``; empty where it is not known yet.
    """

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


class PublishError(Exception):
    """The folder holds something that is not the compiler's to write over; the message names it and what to do."""


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Tell every `RenderError` from inside where it happened."""
    try:
        yield
    except RenderError as error:
        raise RenderError(", ".join(part for part in (place, error.place) if part), error.message) from None
    except RecursionError:
        raise RenderError(place, "is nested too deeply") from None
