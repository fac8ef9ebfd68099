"""What a handler module imports, and the worker process that runs it.

from routewright.handlers import Context, on
from generated.vision import RequestWorkspaceAnalysis, WorkspaceAnalysis

@on(RequestWorkspaceAnalysis)
async def analyze(message: RequestWorkspaceAnalysis, context: Context) -> WorkspaceAnalysis: ...
"""

from routewright.handlers.audit import audit
from routewright.handlers.context import Context
from routewright.handlers.errors import HandlerError
from routewright.handlers.matching import HandlerProblem
from routewright.handlers.registry import on
from routewright.handlers.session import Session

__all__ = ["Context", "HandlerError", "HandlerProblem", "Session", "audit", "on"]
