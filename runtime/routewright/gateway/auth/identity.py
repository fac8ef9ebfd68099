"""What authentication finds out, or why it finds out nothing."""

import msgspec

from routewright.table import Principal

STATUS = {"unauthorized": 401, "forbidden": 403, "overloaded": 503}
"""The HTTP status of a denial, by its code."""


class Identity(msgspec.Struct, frozen=True):
    """Who a client is.

    Attributes:
        kind: of the credential: ``jwt``, ``apiKey``, ``ticket`` or ``plugin``.
        expires: when this ends, in seconds since the epoch, leeway included; ``None`` where it does not.
    """

    principal: Principal
    kind: str
    expires: float | None = None


class Denied(Exception):
    """No, and why.

    Attributes:
        reason: one word, for figures.
        message: what the client is told.
        code: ``unauthorized``, ``forbidden``, or ``overloaded`` where it cannot be told for now.
        scope: the one that is missing, ``""`` where that is not the reason.
        retry_after: seconds after which trying again may help.
    """

    def __init__(
        self, reason: str, message: str, code: str = "unauthorized", *, scope: str = "", retry_after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code
        self.scope = scope
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]


class AuthError(Exception):
    """The authentication of a route cannot be set up; the message says why, for the operator."""


def missing_scope(wanted: tuple[str, ...], principal: Principal | None) -> str:
    """The first of these scopes that a principal does not have; ``""`` where it has them all."""
    held = principal.scopes if principal is not None else ()
    return next((scope for scope in wanted if scope not in held), "")
