"""Credentials that run out: a new one is presented on the open connection, in time.

Strategy: when four fifths of the time that is left are over the provider is asked again, and what it gives is sent by
``$auth``. Where that fails it is tried again after four fifths of the rest; in the end the gateway closes the
connection, and the next one begins with another credential. A clock that says the credential has run out already is
wrong, and is left out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from routewright.client.errors import ClientError
from routewright.client.frames import Granted
from routewright.client.timing import Timing

_LOG = logging.getLogger("routewright.client")

_PART = 0.8
_SHORTEST = 1.0
"""Seconds between two credentials, at least."""


class Renewal:
    """Looks after the credential of one client.

    Args:
        renew: presents a new credential; ``None`` where there is only one.
    """

    def __init__(self, renew: Callable[[], Awaitable[Granted]] | None, timing: Timing) -> None:
        self._renew = renew
        self._timing = timing
        self._task: asyncio.Task[None] | None = None

    def until(self, expires: float | None) -> None:
        """The credential that was presented runs out then, in seconds since 1970; ``None``: it does not."""
        if self._task is not None and self._task is asyncio.current_task():
            return
        self.stop()
        if expires is not None and self._renew is not None:
            self._task = asyncio.get_running_loop().create_task(self._keep(expires, self._renew))

    def stop(self) -> None:
        """There is no connection any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _keep(self, expires: float | None, renew: Callable[[], Awaitable[Granted]]) -> None:
        timing = self._timing
        while expires is not None and (left := expires - timing.now()) > 0:
            await timing.sleep(max(_PART * left, _SHORTEST))
            try:
                expires = (await renew()).expires
            except ClientError as error:
                _LOG.warning("the credential could not be renewed: %s", error)
