"""The errors of the compiler: what cannot be rendered, what cannot be published."""


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


class placed:
    """Tell every `RenderError` from inside where it happened."""

    __slots__ = ("_place",)

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RenderError):
            raise RenderError(", ".join(part for part in (self._place, error.place) if part), error.message) from None
        if isinstance(error, RecursionError):
            raise RenderError(self._place, "is nested too deeply") from None
