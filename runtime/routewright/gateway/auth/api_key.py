"""API keys: each known by its hash, see `routewright.hooks.keys`."""

import os
from pathlib import Path

import structlog

from routewright.gateway.auth.identity import AuthError, Denied, Identity
from routewright.hooks.keys import Keys, read
from routewright.table import ApiKey

log = structlog.get_logger("routewright.auth")


class ApiKeyWay:
    """Checks the keys of one file or variable.

    Raises:
        AuthError: there are none to be read.
    """

    def __init__(self, spec: ApiKey, project: Path) -> None:
        self.spec = spec
        try:
            if spec.keys_file is not None:
                self._keys = Keys(file=project / spec.keys_file)
            else:
                name = spec.keys_env or ""
                self._keys = Keys(read(os.environ.get(name, "").encode(), f"the variable {name}"))
        except ValueError as error:
            raise AuthError(str(error)) from None

    async def verify(self, credential: str, address: str) -> Identity:
        """Whose key it is.

        Raises:
            Denied: nobody's.
        """
        try:
            principal = self._keys.find(credential)
        except ValueError as error:
            log.error("the API keys cannot be read", reason=str(error))
            text = "the keys of this route cannot be read for now"
            raise Denied("keys", text, "overloaded", retry_after=5.0) from None
        if principal is None:
            raise Denied("unknown", "this API key is not known")
        return Identity(principal, "apiKey")
