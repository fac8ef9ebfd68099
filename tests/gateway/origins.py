"""Origins of pages, and which of them may connect."""

LOOPBACK: list[tuple[str, list[str], int]] = [
    ("127.0.0.1:8001", [], 101),
    ("127.0.0.1:8001", ["http://127.0.0.1:8001"], 101),
    ("[::1]:8001", ["http://[::1]:8001"], 101),
    ("localhost", ["http://localhost"], 101),
    ("localhost:80", ["http://LOCALHOST"], 101),
    ("127.0.0.1:8001", ["http://127.0.0.1:8002"], 403),
    ("127.0.0.1:8001", ["http://localhost:8001"], 403),
    ("127.0.0.1:8001", ["https://127.0.0.1:8001"], 403),
    ("127.0.0.1:8001", ["null"], 403),
    ("127.0.0.1:8001", [""], 403),
    ("127.0.0.1:8001", ["*"], 403),
    ("127.0.0.1:8001", ["http://127.0.0.1:8001/"], 403),
    ("127.0.0.1:8001", ["http://user@127.0.0.1:8001"], 403),
    ("127.0.0.1:8001", ["http://127.0.0.1:8001@evil.com"], 403),
    ("127.0.0.1:8001", ["http://127.0.0.1:8001", "http://evil.com"], 403),
    ("127.0.0.1:8001", ["http://127.0.0.1:8001", "http://127.0.0.1:8001"], 403),
    ("rebound.evil.com:8001", ["http://rebound.evil.com:8001"], 403),
    ("127.0.0.1.evil.com", ["http://127.0.0.1.evil.com"], 403),
]
"""Without a list, on loopback: the ``Host`` header, the ``Origin`` headers, and the status of the answer."""

ALLOWED = ["https://app.example.com", "http://localhost:3000"]

LISTED: list[tuple[str, int]] = [
    ("https://app.example.com", 101),
    ("https://APP.example.com:443", 101),
    ("http://localhost:3000", 101),
    ("https://evil-app.example.com", 403),
    ("https://app.example.com.evil.com", 403),
    ("https://sub.app.example.com", 403),
    ("http://app.example.com", 403),
    ("https://app.example.com:8443", 403),
    ("http://localhost", 403),
    ("http://127.0.0.1:3000", 403),
    ("null", 403),
    ("https://app.example.com:", 403),
    ("https://app.example.com?", 403),
    ("https://app.example.com#", 403),
    ("https://app.ex\tample.com", 403),
]
"""With the list `ALLOWED`: the ``Origin`` header, and the status of the answer."""
