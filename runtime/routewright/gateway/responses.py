"""HTTP answers as JSON: what was asked for, or why it is not given."""

import json
from typing import Any

from aiohttp import web


class Refuse(Exception):
    """An HTTP answer that is not the one hoped for."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        *,
        hint: str = "",
        near: list[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.hint = hint
        self.near = near

    def body(self) -> dict[str, Any]:
        """What the client is told."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.hint:
            error["hint"] = self.hint
        return {"error": error} if self.near is None else {"error": error, "near": self.near}


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON document, after which the connection is closed."""
    response = web.Response(
        status=status,
        text=json.dumps(body, ensure_ascii=False) + "\n",
        content_type="application/json",
        headers=headers,
    )
    response.force_close()
    return response
