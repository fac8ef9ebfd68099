"""``routewright import``: draft a spec, once, from an AsyncAPI document."""

import json
from pathlib import Path
from typing import Annotated

import typer

from routewright.cli.project import FILE
from routewright.cli.terminal import fail, note, progress

EPILOG = """Examples:

\b
  routewright import asyncapi.yaml
  routewright import asyncapi.json --output shop/websocket-routes.json --handlers
"""


def import_(
    document: Annotated[Path, typer.Argument(metavar="FILE", help="An AsyncAPI document (2.x or 3.x), YAML or JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SPEC", help="Where to write the spec.")] = Path(
        FILE
    ),
    force: Annotated[bool, typer.Option("--force", help="Write over a spec that is there.")] = False,
    handlers: Annotated[
        bool, typer.Option("--handlers", help="Also write a module for each route that has none yet.")
    ] = False,
    as_client: Annotated[
        bool, typer.Option("--as-client", help="The document speaks as the client: what it sends, clients send.")
    ] = False,
) -> None:
    """Draft a spec from an AsyncAPI document.

    Everything that could not be carried over, or was assumed, is named. The draft passes `routewright check`.
    """
    from routewright.codegen.importing import ImportProblem, drafted

    file = output / FILE if output.is_dir() else output
    if (file.exists() or file.is_symlink()) and not force:
        fail(f"{file} is there already", hint="name another file with --output, or write over it with --force")
    try:
        with progress(f"reading {document}"):
            draft = drafted(document, as_client=as_client)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(draft.document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {file}")
        if handlers:
            _write_handlers(draft.document, file.parent)
    except ImportProblem as problem:
        fail(str(problem), hint=problem.hint)
    except OSError as problem:
        fail(f"the draft cannot be written: {problem}")
    for each in draft.notes:
        note(f"note: {each}")
    routes = draft.document["routes"]
    messages = sum(len(route.get("messages", {})) for route in routes)
    print(f"{len(routes)} routes, {messages} messages, {len(draft.notes)} notes")


def _write_handlers(document: dict[str, object], folder: Path) -> None:
    from routewright.codegen.importing.skeletons import skeletons

    for path, text in skeletons(document).items():
        place = folder / path
        if place.exists():
            note(f"note: {place} is there already and stays as it is")
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        print(f"wrote {place}")
