"""The other gateway processes, as one of them reaches them: through their supervisor.

Strategy: what is told goes out in its order, by the control channel. The channel is bounded at both ends. Clients that
publish faster than it carries are made to wait (`Peers.writable`); a process that does not take what the others tell
it is killed by the supervisor, so that its clients are told.
"""

from typing import Protocol

from routewright.gateway.control import Control, Relay


class Peers(Protocol):
    """The others.

    Attributes:
        congested: they do not keep up with what they are told.
    """

    @property
    def congested(self) -> bool: ...
    def __call__(self, about: str, data: bytes, to: int | None = None) -> None:
        """Tell all others something, or the one whose operating system number is ``to``."""

    async def writable(self) -> None:
        """Wait until they keep up."""


class Others:
    """Those behind a control channel."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def congested(self) -> bool:
        """See `Peers`."""
        return self._control.congested

    def __call__(self, about: str, data: bytes, to: int | None = None) -> None:
        """See `Peers`."""
        self._control.tell(Relay(about, data, to))

    async def writable(self) -> None:
        """See `Peers`."""
        await self._control.writable()


class Nobody:
    """There are none."""

    congested = False

    def __call__(self, about: str, data: bytes, to: int | None = None) -> None:
        """Tell nobody."""

    async def writable(self) -> None:
        """Wait for nobody."""
