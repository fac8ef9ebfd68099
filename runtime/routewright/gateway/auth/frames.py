"""``$auth``: a credential in a frame, the first one or a later one that keeps the connection open.

Strategy: a later one must be of the same principal: what a session has been given belongs to that one. It takes effect
at once: for scopes that messages and topics ask for, for the end of the connection, and for what handlers are told with
the next request.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from routewright.gateway.auth.identity import Denied, Identity
from routewright.gateway.commands import Asked
from routewright.gateway.errors import Fault
from routewright.gateway.socket import State
from routewright.gateway.subscribing import judge_again
from routewright.table.frames import DECODE_ERRORS, FrameError

if TYPE_CHECKING:
    from routewright.gateway.auth.authenticator import Authenticator
    from routewright.gateway.connection import Connection
    from routewright.gateway.plain import PlainConnection


class _Credential(msgspec.Struct):
    token: str


_decode = msgspec.json.Decoder(_Credential).decode


def credential(command: Asked) -> str:
    """The credential of an ``$auth``.

    Raises:
        FrameError: it has none.
    """
    try:
        return _decode(command.payload).token
    except DECODE_ERRORS:
        text = 'the payload must be an object with the text "token"'
        raise FrameError("invalid_message", text, id=command.id, path="$.payload") from None


def granted(identity: Identity) -> dict[str, Any]:
    """The payload of the answer."""
    principal = identity.principal
    return {"principal": principal.id, "scopes": list(principal.scopes), "expires": identity.expires}


def refresh(connection: "PlainConnection", command: Asked) -> None:
    """Carry out an ``$auth`` of a client that is known already."""
    authenticator = connection.endpoint.authenticator
    if authenticator is None:
        connection.refuse(Fault("unknown_type", "this route asks for no credential", command.id, "$.type"))
        return
    # counted, so that what is under way stays bounded
    connection.in_flight += 1
    connection.gateway.spawn(_refresh(connection, command, authenticator))


async def _refresh(connection: "PlainConnection", command: Asked, authenticator: "Authenticator") -> None:
    try:
        identity = await authenticator.message(credential(command), connection.info.address, first=False)
        changed = renew(connection, identity)
    except FrameError as problem:
        connection.refuse(Fault(problem.code, problem.message, command.id, problem.path))
    except Denied as denied:
        connection.refuse(Fault(denied.code, denied.message, command.id, retry_after=denied.retry_after))
    else:
        connection.done(command, granted(identity))
        if changed:
            judge_again(connection)
    finally:
        connection.in_flight -= 1
        if connection.held is not None:
            connection.release()


def renew(connection: "Connection", identity: Identity) -> bool:
    """Let a connection be its principal's for longer, with what that may do now; whether that has changed.

    Raises:
        Denied: it is somebody else's.
    """
    info = connection.info
    if info.principal is None or info.principal.id != identity.principal.id:
        raise Denied("principal", "this credential is somebody else's", "forbidden")
    changed = identity.principal != info.principal
    if connection.state is not State.OPEN:
        return False
    info.principal, info.expires = identity.principal, identity.expires
    connection.gateway.expiries.set(connection, identity.expires)
    for worker in connection.gateway.bridge.workers.values():
        if info.id in worker.sessions:
            connection.introduce(worker, fresh=False)
    return changed
