"""The allow-list: every action there is, and the way to run one of them."""

from contextlib import aclosing
from typing import Final

from backend.api.automation.action import Action, ActionError, Arguments, Name, Steps
from backend.api.automation.files import count_lines, disk_usage, hash_file
from backend.api.automation.folder import Folder
from backend.api.automation.machine import system_info, wait

ACTIONS: Final[dict[Name, Action]] = {
    action.name: action
    for action in (
        Action(
            name="count_lines",
            summary="Counts the lines of a file, or of the text files below a folder.",
            arguments=("path",),
            run=count_lines,
        ),
        Action(
            name="disk_usage",
            summary="Tells how full the disk is, and how much of it a folder takes.",
            arguments=("path",),
            run=disk_usage,
        ),
        Action(
            name="hash_file",
            summary="Hashes a file, with SHA-256 unless told otherwise.",
            arguments=("path", "algorithm"),
            run=hash_file,
        ),
        Action(name="system_info", summary="Tells of this machine's system, processors and memory.", run=system_info),
        Action(
            name="wait",
            summary="Lets time pass, to show what progress looks like.",
            arguments=("seconds", "steps"),
            run=wait,
        ),
    )
}


async def run(name: Name, arguments: Arguments, folder: Folder) -> Steps:
    """Run an action, and tell of each step.

    Raises:
        ActionError: an argument does not belong to the action, is missing, or asks for too much.
        FolderError: a path leads to nothing that may be read.
    """
    action = ACTIONS[name]
    strange = sorted(arguments.given() - set(action.arguments))
    if strange:
        takes = ", ".join(action.arguments) or "none"
        raise ActionError(f"{name} takes no argument {strange[0]!r}; it takes: {takes}")
    async with aclosing(action.run(arguments, folder)) as steps:
        async for step in steps:
            yield step
