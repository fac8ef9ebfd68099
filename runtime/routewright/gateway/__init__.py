"""The aiohttp side: supervisor and gateway processes, listener, connections, dispatch, reload and admin."""

from routewright.gateway.options import Compile, Compiled, Options

__all__ = ["Compile", "Compiled", "Options"]
