"""Who a client is: credentials found, checked, kept watch over, and forgotten.

Strategy: what the spec says of a route is made into an `authenticator.Authenticator` when a table is prepared; nothing
is looked up per message. The parts are one kind of credential each (`jwt`, `api_key`, `ticket`), where a credential
stands (`credential`), and what the first frame and ``$auth`` mean (`door`, `refresh`). A credential itself is never
kept, told on, or logged.
"""
