"""What can go wrong around a plugin, in one tree each for the three who are told.

``Refusal``
    a plugin raises it, the client is told.
``PluginError``
    a plugin cannot be used at all; raised while plugins are loaded and started, the operator is told.
``PluginFailed``
    a hook raised something else than a `Refusal`; it is logged already, the gateway maps it to a status or a frame.
"""


class Refusal(Exception):
    """No, and why: raised by a plugin, and told to the client as it is.

    Attributes:
        code: one of the error codes that clients know (``unauthorized``, ``forbidden``, ``rate_limited``, ...) or the
            plugin's own.
        message: the text that the client reads.
        status: the HTTP status, where the refusal comes before the handshake.
        retry_after: seconds after which trying again may help; 0 where it does not.
    """

    def __init__(self, code: str, message: str, *, status: int = 403, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after


class PluginError(Exception):
    """A plugin cannot be loaded or started; the message names the plugin, the hook and the next step."""


class PluginFailed(Exception):
    """A hook of a plugin raised; ``__cause__`` is what it raised.

    Attributes:
        plugin: the plugin's name.
        hook: the hook's name, ``routewright_message`` for example.
    """

    def __init__(self, plugin: str, hook: str) -> None:
        super().__init__(f"plugin {plugin!r} failed in {hook}")
        self.plugin = plugin
        self.hook = hook
