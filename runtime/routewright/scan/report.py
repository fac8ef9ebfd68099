"""A scan as text for machines: a JSON document, and annotations for GitHub."""

import json
from typing import Any

from routewright.scan.conflicts import Conflict
from routewright.scan.endpoints import Endpoint
from routewright.scan.sources import Skipped


def report_json(
    endpoints: tuple[Endpoint, ...], conflicts: tuple[Conflict, ...], skipped: tuple[Skipped, ...], files: int
) -> str:
    """The whole of a scan as a JSON object, its lists in the order of the text."""
    document = {
        "endpoints": [_endpoint(each) for each in endpoints],
        "conflicts": [_conflict(each) for each in conflicts],
        "skipped": [{"file": each.path, "reason": each.reason} for each in skipped],
        "files": files,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def report_github(conflicts: tuple[Conflict, ...], skipped: tuple[Skipped, ...]) -> str:
    """A workflow command a line, which GitHub shows beside the source."""
    lines = [f"::warning file={_property(each.path)}::passed over: {_data(each.reason)}" for each in skipped]
    for conflict in conflicts:
        others = ", ".join(f"{each.place.file}:{each.place.line}" for each in conflict.endpoints[1:])
        place = f"file={_property(conflict.place.file)},line={conflict.place.line}"
        lines.append(f"::error {place}::{_data(conflict.message)}{_data(f' ({others})') if others else ''}")
    return "\n".join(lines)


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "path": endpoint.path or None,
        "known": endpoint.known,
        "dynamic": list(endpoint.dynamic),
        "declared": endpoint.declared or None,
        "framework": endpoint.framework,
        "handler": endpoint.handler,
        "file": endpoint.place.file,
        "line": endpoint.place.line,
        "app": endpoint.app or None,
        "messages": [{"name": seen.name, "key": seen.key, "from": seen.origin} for seen in endpoint.messages],
    }


def _conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "kind": conflict.kind,
        "message": conflict.message,
        "endpoints": [
            {"path": each.path, "handler": each.handler, "file": each.place.file, "line": each.place.line}
            for each in conflict.endpoints
        ],
    }


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
