"""The handlers of the gateway under test."""

from generated.bench import Announce, Announcement, RequestWorkspaceAnalysis, Revision, WorkspaceAnalysis

from routewright.handlers import Context, on

REVISION = 0


@on(RequestWorkspaceAnalysis)
async def analyze(message: RequestWorkspaceAnalysis) -> WorkspaceAnalysis:
    return WorkspaceAnalysis(depth=message.depth, tags=message.tags, note=message.note)


@on(Announce)
async def announce(message: Announce, context: Context) -> None:
    context.publish(context.route, Announcement(text=message.text))


@on("request_revision")
async def revision() -> Revision:
    return Revision(number=REVISION)
