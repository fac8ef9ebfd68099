"""Proxy routes: a client's frames go to an upstream WebSocket that is opened for it, and the upstream's come back.

Strategy: a client of a proxy route is a raw client whose handler is another server. Everything before the upgrade and
every policy is as for the others; only where a raw client's frames go to a worker, these go to the upstream. Text,
binary, close codes and the subprotocol pass as they are; pings are answered hop by hop (RFC 6455, 5.5.2).
"""
