"""``routewright generate``: compile a spec into ``generated/``, or tell whether that is up to date."""

from pathlib import Path
from typing import Annotated

import typer

from routewright.cli.project import FILE, SpecArgument, generated, locate, rendered, valid
from routewright.cli.terminal import PROBLEMS, USAGE, diff_text, error, fail, note, progress

EPILOG = """Examples:

\b
  routewright generate
  routewright generate --check
  routewright generate --diff
  routewright generate --watch
  routewright generate shop/websocket-routes.json
"""


def generate(
    spec: SpecArgument = Path(FILE),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 and show a diff where generated/ is out of date.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; print the diff of what would be written.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and compile again whenever the spec or a template changes.")
    ] = False,
) -> None:
    """Compile a spec into generated/ beside it."""
    file = locate(spec)
    if check + diff + watch > 1:
        fail("--check, --diff and --watch exclude each other", code=USAGE)
    if watch:
        from routewright.cli.follow import follow

        follow(file)
        return
    from routewright.codegen import PublishError, RenderError

    try:
        with progress(f"compiling {file}"):
            files = rendered(valid(file, count_warnings=True), file)
        if diff:
            _show(files, generated(file))
        elif check:
            _compare(files, generated(file))
        else:
            _publish(files, generated(file))
    except (RenderError, PublishError, OSError) as problem:
        fail(str(problem))


def _show(files: dict[str, str], folder: Path) -> None:
    from routewright.codegen import compare

    differences = compare(files, folder)
    for difference in differences:
        if difference.diff:
            diff_text(difference.diff)
    if not differences:
        note(f"{folder} is up to date")


def _publish(files: dict[str, str], folder: Path) -> None:
    from routewright.codegen import publish

    published = publish(files, folder)
    for path in published.written:
        print(f"wrote {folder / path}")
    for path in published.deleted:
        print(f"deleted {folder / path}")
    if not published.written and not published.deleted:
        print(f"{folder} is up to date")


def _compare(files: dict[str, str], folder: Path) -> None:
    from routewright.codegen import compare

    differences = compare(files, folder)
    if not differences:
        print(f"{folder} is up to date")
        return
    for difference in differences:
        print(f"{difference.kind}: {folder / difference.path}")
        if difference.diff:
            diff_text(difference.diff)
    count = len(differences)
    error(
        f"{folder} is out of date ({count} {'file' if count == 1 else 'files'})",
        hint="run `routewright generate` and commit what it writes",
    )
    raise typer.Exit(PROBLEMS)
