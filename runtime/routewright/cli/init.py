"""``routewright init``: a runnable project in an empty folder."""

import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from routewright.cli.project import FILE, compilation
from routewright.cli.terminal import PROBLEMS, fail, note

EPILOG = """Examples:

\b
  routewright init demo
  cd demo && routewright serve
"""

_TEMPLATES = {
    FILE: "websocket-routes.json.template",
    "handlers/greeter.py": "greeter.py.template",
    ".gitignore": "gitignore.template",
    "README.md": "README.md.template",
}
"""The project's files, and the templates that they are made of."""


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An empty folder, or one to be made.")] = Path(),
) -> None:
    """Start a runnable project.

    It has a spec with one route, the handler module that answers it, and what is generated for both.
    """
    if folder.exists() and not folder.is_dir():
        fail(f"{folder} is not a folder")
    present = [path for path in (*_TEMPLATES, "generated") if (folder / path).exists() or (folder / path).is_symlink()]
    if present:
        fail(f"{folder} already has {', '.join(present)}", hint="nothing was written; name a folder without them")
    title = json.dumps(folder.resolve().name or "demo")
    try:
        for path, template in _TEMPLATES.items():
            text = (files("routewright.cli") / "templates" / template).read_text(encoding="utf-8")
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text.replace('"@title@"', title), encoding="utf-8")
            print(f"wrote {place}")
    except OSError as reason:
        fail(f"the project cannot be written: {reason}")
    compiled = compilation(folder / FILE)
    if not compiled.ok:
        note(compiled.report)
        raise typer.Exit(PROBLEMS)
    print(f"wrote {folder / 'generated'}")
    enter = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    print(f"\nServe it:  {enter}routewright serve")
    print('Call it:   routewright call ws://127.0.0.1:8001/ws/greeter greet \'{"name": "Ada"}\'')
