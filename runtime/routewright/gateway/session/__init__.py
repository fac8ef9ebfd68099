"""Reliable clients (subprotocol ``routewright.v1``): sessions that outlive their sockets. docs/frontend.md says what
travels.

Strategy: a `Session` is to the rest of the gateway what a plain client's connection is; the socket under it comes and
goes. What it sends is numbered and kept in a `Buffer`, what it was asked is remembered in `Seen`, and whoever holds one
of its `Tokens` may come back to it.
"""
