"""``/ws/automation``: run one of a few actions, and follow its progress.

Strategy: an action is an asynchronous generator of steps, and each step becomes a part of the streamed reply. When the
client leaves, or the time is over, the generator is closed, and the action with it.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from backend.api.automation.action import ActionError, Arguments
from backend.api.automation.actions import ACTIONS, run
from backend.api.automation.folder import Folder, FolderError
from generated import components
from generated.automation import ActionProgress, Actions, RunAction
from routewright.handlers import HandlerError, on

FOLDER_VARIABLE: Final = "ROUTEWRIGHT_AUTOMATION_FOLDER"
"""The environment variable that names the folder whose files actions may read; without it, the project's folder."""

PROJECT: Final = Path(__file__).parents[2]


@on("list_actions")
async def list_actions(message: None) -> Actions:
    """Tell what can be run."""
    return Actions(
        actions=[
            components.Action(name=action.name, summary=action.summary, arguments=list(action.arguments))
            for action in ACTIONS.values()
        ]
    )


@on(RunAction)
async def run_action(message: RunAction) -> AsyncGenerator[ActionProgress, None]:
    """Run an action, and tell of each step."""
    folder = Folder(Path(os.environ.get(FOLDER_VARIABLE) or PROJECT))
    try:
        async with aclosing(run(message.action, arguments_of(message), folder)) as steps:
            async for step in steps:
                yield ActionProgress(
                    action=message.action, step=step.step, of=step.of, message=step.message, result=step.result
                )
    except (ActionError, FolderError) as error:
        raise HandlerError("invalid_message", str(error)) from error


def arguments_of(message: RunAction) -> Arguments:
    """The arguments that a client has given."""
    if isinstance(message.arguments, msgspec.UnsetType):
        return Arguments()
    given = msgspec.structs.asdict(message.arguments)
    return Arguments(**{name: value for name, value in given.items() if value is not msgspec.UNSET})
