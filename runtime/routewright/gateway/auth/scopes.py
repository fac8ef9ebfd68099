"""The scopes that a message asks of who sends it: the first stage of a guarded request.

Strategy: only routes with such a message have a guard because of them. A call from another handler is checked like the
client's own message, since it acts for that client.
"""

from typing import TYPE_CHECKING, Final

from routewright.bridge.codec import Error, Reply
from routewright.gateway.auth.identity import missing_scope

if TYPE_CHECKING:
    from routewright.gateway.guard import Attempt


class Scopes:
    """Refuses who lacks a scope."""

    def enter(self, attempt: "Attempt") -> bool:
        """Whether the attempt ends here."""
        wanted = attempt.message.scopes
        missing = missing_scope(wanted, attempt.client.info.principal) if wanted else ""
        if missing:
            text = f"{attempt.message.name!r} asks for the scope {missing!r}"
            attempt.fail(Error(0, "forbidden", text, False))
        return bool(missing)

    def ended(self, attempt: "Attempt", outcome: Reply | Error | None, now: float) -> None:
        """It waits for nothing."""

    def forget(self, client: object) -> None:
        """It does nothing for anybody."""


SCOPES: Final = Scopes()
