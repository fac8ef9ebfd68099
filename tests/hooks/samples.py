"""Routes, tables, sessions and requests to call hooks with."""

from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

from routewright.hooks import SessionInfo, UpgradeRequest
from routewright.table import Middleware, Route, Table

Listed = str | tuple[str, dict[str, Any]]


def a_route(*middleware: Listed, name: str = "chat") -> Route:
    """A route with these plugins, each a name or a name with settings."""
    listed = tuple(
        Middleware(name=each) if isinstance(each, str) else Middleware(name=each[0], settings=each[1])
        for each in middleware
    )
    return Route(name=name, path=f"/ws/{name}", handler="chat", middleware=listed, digest=name, contract=name)


def a_table(*routes: Route) -> Table:
    return Table(digest="d1", routes=routes, pools=())


def a_session(route: Route | None = None, **fields: Any) -> SessionInfo:
    return SessionInfo(id=7, route=route or a_route(), path="/ws/chat", address="10.0.0.1", **fields)


def a_request(*headers: tuple[str, str], **fields: Any) -> UpgradeRequest:
    return UpgradeRequest(
        path=fields.pop("path", "/ws/chat"),
        query=MultiDictProxy(MultiDict(fields.pop("query", {}))),
        headers=CIMultiDictProxy(CIMultiDict(headers)),
        address="10.0.0.1",
        **fields,
    )
