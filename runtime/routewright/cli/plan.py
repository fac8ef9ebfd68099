"""``routewright plan``: what a change of the spec means for clients, handlers and open connections."""

import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from routewright.cli.project import FILE, SpecArgument, locate, report
from routewright.cli.terminal import PROBLEMS, error, json_text, note, progress

if TYPE_CHECKING:
    from routewright.cli.places import Place, Places
    from routewright.cli.plan_report import Report
    from routewright.spec.model import Spec
    from routewright.table import Route
    from routewright.table.change import Change
    from routewright.table.plan import RoutePlan

EPILOG = """Every change is breaking for clients, breaking for handlers, compatible, or policy only. What clients send
may not become stricter, and what handlers send may not become less so. An object is taken to have the properties that
it declares, so an optional property more breaks nobody. What cannot be compared counts as breaking.

Examples:

\b
  routewright plan --against HEAD
  routewright plan --against main --fail-on any
  routewright plan --against main --format markdown
  routewright plan --against old/websocket-routes.json --format json
"""


class Format(StrEnum):
    """How the plan is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


class Breaking(StrEnum):
    """Which changes fail the command."""

    clients = "clients"
    handlers = "handlers"
    any = "any"
    none = "none"


class Side(NamedTuple):
    """One of the two specs."""

    spec: "Spec"
    places: "Places"


def plan(
    against: Annotated[
        str, typer.Option("--against", metavar="REF|FILE", help="A git revision of the spec, or another spec file.")
    ],
    spec: SpecArgument = Path(FILE),
    fail_on: Annotated[
        Breaking, typer.Option("--fail-on", help="Exit 1 where a change breaks these; any is clients or handlers.")
    ] = Breaking.clients,
    format: Annotated[
        Format, typer.Option(help="text to read, json for machines, markdown for a pull request.")
    ] = Format.text,
) -> None:
    """Tell what a change of the spec breaks, and what a reload would do to open connections."""
    file = locate(spec)
    from routewright.cli.plan_report import json_report, markdown, print_text
    from routewright.cli.revision import earlier

    with earlier(file, against) as (old, name), progress(f"comparing {file} with {against}"):
        found = _report(_side(old, name), _side(file, ""), str(file), against)
    if format is Format.json:
        json_text(json_report(found))
    elif format is Format.markdown:
        print(markdown(found))
    else:
        print_text(found)
    _judge(found, fail_on)


def _judge(found: "Report", fail_on: Breaking) -> None:
    """End with `PROBLEMS` where something breaks that must not."""
    count = found.counts
    sides = {"any": ("clients", "handlers"), "none": ()}.get(fail_on, (fail_on.value,))
    broken = {side: count[f"breaking for {side}"] for side in sides}
    if any(broken.values()):
        parts = " and ".join(f"{number} for {side}" for side, number in broken.items() if number)
        error(f"breaking changes: {parts}", hint="--fail-on none lets them pass")
        raise typer.Exit(PROBLEMS)


def _side(file: Path, name: str) -> Side:
    """One spec, checked; with errors in it, they are printed and the command ends."""
    from routewright.cli.places import Places
    from routewright.cli.revision import called
    from routewright.spec import check
    from routewright.spec.library import Library

    checked = called(check(file), file, name)
    if checked.spec is None:
        note(report(checked))
        raise typer.Exit(PROBLEMS)
    folder = (f"{file.parent}{os.sep}", name) if name else ("", "")
    return Side(checked.spec, Places(Library(file), folder))


def _report(old: Side, new: Side, file: str, against: str) -> "Report":
    from routewright.cli.bare import bare, contracts
    from routewright.cli.plan_report import Placed, Report, Section
    from routewright.table.plan import plan as compare

    found = compare(bare(old.spec), bare(new.spec), contracts(old.spec), contracts(new.spec))

    def placed(change: "Change", before: tuple[str, ...], after: tuple[str, ...]) -> Placed:
        return Placed(change, _place(change, old, new, before, after))

    settings = _by_kind((*found.settings, *_information(old.spec, new.spec)))
    gateway = Section("", "", "unchanged", tuple(placed(change, (), ()) for change in settings))
    routes = []
    for each in found.routes:
        before, after = _at(old.spec, each.old), _at(new.spec, each.new)
        changes = _by_kind((*each.changes, *_documentation(each, old.spec, new.spec)))
        listed = tuple(placed(change, before, after) for change in changes)
        routes.append(Section(each.route.name, each.route.path, each.connections, listed))
    return Report(file, against, found.drain, (gateway, *routes))


def _by_kind(changes: Iterable["Change"]) -> list["Change"]:
    """The worst first."""
    from routewright.cli.plan_report import KINDS

    return sorted(changes, key=lambda change: KINDS.index(change.kind))


def _place(change: "Change", old: Side, new: Side, before: tuple[str, ...], after: tuple[str, ...]) -> "Place":
    side, above = (old, before) if change.gone else (new, after)
    return side.places.of((*above, *change.steps))


def _at(spec: "Spec", route: "Route | None") -> tuple[str, ...]:
    """The steps to a route."""
    found = [str(index) for index, each in enumerate(spec.routes) if route is not None and each.name == route.name]
    return ("routes", *found) if found else ()


def _information(old: "Spec", new: "Spec") -> Iterator["Change"]:
    from routewright.table.change import COMPATIBLE, Change

    for key in ("title", "version", "description"):
        if getattr(old, key) != getattr(new, key):
            yield Change(kind=COMPATIBLE, what=f"info.{key} has changed", reason=_TOLD, steps=("info", key))


_TOLD = "Documentation."


def _documentation(found: "RoutePlan", old: "Spec", new: "Spec") -> Iterator["Change"]:
    """What only people read of a route that is in both specs."""
    from routewright.table.change import COMPATIBLE, Change

    if found.old is None or found.new is None:
        return
    before = next(route for route in old.routes if route.name == found.old.name)
    after = next(route for route in new.routes if route.name == found.new.name)
    for key in ("summary", "description"):
        if getattr(before, key) != getattr(after, key):
            yield Change(kind=COMPATIBLE, what=f"{key} has changed", reason=_TOLD, steps=(key,))
    earlier = {message.name: message for message in before.messages}
    changed = {change.message for change in found.changes if change.steps[2:3] == ("payload",)}
    for message in after.messages:
        if message.name not in earlier:
            continue
        other, steps = earlier[message.name], ("messages", message.name)
        for key in ("summary", "description", "examples"):
            if getattr(other, key) != getattr(message, key):
                what = f"{key} {'have' if key == 'examples' else 'has'} changed"
                yield Change(kind=COMPATIBLE, what=what, reason=_TOLD, message=message.name, steps=(*steps, key))
        if message.name not in changed and other.schema != message.schema:
            what = "payload is described otherwise"
            yield Change(kind=COMPATIBLE, what=what, reason=_TOLD, message=message.name, steps=(*steps, "payload"))
