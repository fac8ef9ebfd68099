"""``routewright docs``: a reference of a spec for those who write clients, as pages for a browser."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from routewright.cli.project import FILE, SpecArgument, locate, valid
from routewright.cli.terminal import USAGE, fail, progress

if TYPE_CHECKING:
    from routewright.spec.model import Spec

EPILOG = """Examples:

\b
  routewright docs --out reference
  routewright docs --out reference --url wss://api.example.com
"""


def docs(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the pages to.")],
    spec: SpecArgument = Path(FILE),
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where clients reach the gateway, if not at the spec's own listener.")
    ] = "",
) -> None:
    """Write a reference of a spec: static pages that need no network."""
    file = locate(spec)
    if url and not url.startswith(("ws://", "wss://")):
        fail(f"{url} is no WebSocket URL", hint="write it as wss://HOST", code=USAGE)
    from routewright.codegen import PublishError, publish
    from routewright.codegen.reference import GENERATOR

    try:
        with progress(f"describing {file}"):
            published = publish(pages(valid(file), url), out, generator=GENERATOR)
    except (PublishError, OSError) as problem:
        fail(str(problem))
    for path in published.deleted:
        print(f"deleted {out / path}")
    count = len(published.written)
    if count:
        print(f"wrote {count} {'file' if count == 1 else 'files'}: open {out / 'index.html'}")
    elif not published.deleted:
        print(f"{out} is up to date")


def pages(spec: "Spec", url: str = "") -> dict[str, str]:
    """The pages of a spec, with a manifest, by their path below the folder."""
    from routewright.codegen.reference import Code, reference
    from routewright.table.codes import CLOSES, ERRORS, RESERVED

    errors = [
        Code(each.code, each.retryable, each.meaning, each.advice) for each in ERRORS if each.code not in RESERVED
    ]
    closes = [
        Code(str(each.code), each.reconnect, each.meaning, each.advice) for each in CLOSES if each.code not in RESERVED
    ]
    return reference(spec, errors=errors, closes=closes, url=url)
