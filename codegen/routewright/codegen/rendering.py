"""A spec as the text of every file in ``generated/``.

Strategy: Python decides (`routewright.codegen.modules`, `routewright.codegen.dispatch`), the templates only lay out.
Whatever a template prints of a spec has passed `routewright.codegen.literals`, and none of it stands in the first two
lines, where a comment could declare the file's encoding. Each Python file is compiled before it is handed out, so a
mistake here can never reach a running gateway. A process that renders again and again (a reload) remembers the modules
of the routes that have not changed.
"""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from typing import Any

import jinja2
import msgspec

from routewright.codegen import literals
from routewright.codegen.asyncapi import ASYNCAPI, asyncapi
from routewright.codegen.checks_references import needed
from routewright.codegen.contracts import CONTRACTS, contracts_text
from routewright.codegen.digests import Digests, digests
from routewright.codegen.dispatch import dispatch, pools
from routewright.codegen.emitters import Emitter, emitted
from routewright.codegen.errors import RenderError, placed
from routewright.codegen.expressions import WIDTH, columns, lay
from routewright.codegen.memory import settled
from routewright.codegen.modules import COMPONENTS, Module, components_module, module_name, route_module
from routewright.codegen.typescript import TYPESCRIPT, typescript
from routewright.spec import schema
from routewright.spec.collector import paused
from routewright.spec.model import Route, Spec

GENERATOR = "routewright"
"""How the manifest calls the compiler."""

MANIFEST = "manifest.json"
"""The file that says what the compiler owns."""

SCHEMA = "websocket-routes.schema.json"
"""The JSON Schema of route specs, for editors."""

REMEMBERED = 4096
"""Modules that a process remembers."""

_modules: dict[tuple[str, str, str], str | None] = {}


def render(spec: Spec, emitters: Iterable[Emitter] = ()) -> dict[str, str]:
    """The text of every generated file, by its path below ``generated/``.

    The same spec gives the same text on every machine and every Python, if the ``emitters`` keep to that.

    Raises:
        RenderError: the spec has no rendering, or an emitter fails.
    """
    with paused(), placed(""):
        spec = settled(spec)
        found = digests(spec)
        files = {"__init__.py": _python("package.py.jinja", spec)}
        attributes: dict[str, dict[str, str]] = {}
        if spec.components:
            module, attributes = components_module(spec.components, _needed(spec))
            files[f"{COMPONENTS}.py"] = _module(module, spec)
        for path, source in files.items():
            _compile(path, source)
        modules: dict[str, str] = {}
        for route in spec.routes:
            with placed(f"route {route.name!r}"):
                source_of_models = _models(route, spec, found.routes[route.name], attributes)
                if source_of_models is not None:
                    modules[route.name] = module_name(route)
                    if f"{route.module}.py" in files:
                        raise RenderError("", f"another route has the module {route.module!r}")
                    files[f"{route.module}.py"] = source_of_models
        table = dispatch(spec, found, modules)
        files["table.py"] = _python("table.py.jinja", spec, table=table)
        _compile("table.py", files["table.py"])
        files[SCHEMA] = _schema()
        files[TYPESCRIPT] = typescript(spec)
        files[ASYNCAPI] = asyncapi(spec)
        files[CONTRACTS] = contracts_text(spec)
        files |= emitted(emitters, spec, (*files, MANIFEST))
        files = dict(sorted(files.items()))
        return {**files, MANIFEST: _json(_manifest(spec, found, files))}


def _needed(spec: Spec) -> set[tuple[str, bool]]:
    """The components that check functions of messages call; see `routewright.codegen.checks_references.needed`."""
    schemas = [message.schema for route in spec.routes for message in route.messages if message.checked]
    return needed(schemas, {key: each.schema for key, each in spec.components.items()}) if schemas else set()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("routewright.codegen"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Python is written, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "comment": literals.comment,
        "docstring": literals.docstring,
        "lay": lay,
        "string": literals.string,
    }
    return environment


@functools.cache
def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


def _models(route: Route, spec: Spec, digest: str, attributes: dict[str, dict[str, str]]) -> str | None:
    """The text of a route's module, compiled once; ``digest`` is of all that the text is made from, but its header."""
    key = (spec.file, route.module, digest)
    if key not in _modules:
        module = route_module(route, spec.components, attributes)
        source = None if module is None else _module(module, spec)
        if source is not None:
            _compile(f"{route.module}.py", source)
        if len(_modules) >= REMEMBERED:
            _modules.clear()
        _modules[key] = source
    return _modules[key]


def _module(module: Module, spec: Spec) -> str:
    return _python("module.py.jinja", spec, module=module)


def _python(template: str, spec: Spec, **context: Any) -> str:
    source = _template(template).render(spec=spec, **context)
    lines = source.split("\n")
    if not (source.isascii() and max(map(len, lines)) <= WIDTH) and any(map(_is_too_long, lines)):
        return f"# ruff: noqa: E501\n{source}"
    return source


def _is_too_long(line: str) -> bool:
    """Whether linters would have the line shorter: single words are let be, and so are addresses at the end."""
    words = line.split()
    if columns(line) <= WIDTH or len(words) < 2 or (words[0] == "#" and len(words) == 2):
        return False
    return not (words[-1].startswith(("http://", "https://")) and columns(line) - columns(words[-1]) <= WIDTH)


@functools.cache
def _schema() -> str:
    return _json(schema())


def _json(value: Any) -> str:
    # json indents in Python, msgspec in C
    return msgspec.json.format(json.dumps(value), indent=2) + "\n"


def _compile(path: str, source: str) -> None:
    try:
        compile(source.encode(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise RenderError(f"generated/{path}", f"would not be Python ({error})") from error


def _manifest(spec: Spec, found: Digests, files: dict[str, str]) -> dict[str, Any]:
    return {
        "generator": {"name": GENERATOR, "version": importlib.metadata.version(GENERATOR)},
        "spec": {"file": spec.file, "digest": spec.digest},
        "pools": {pool.name: pool.digest for pool in pools(spec, found)},
        "routes": {
            route.name: {"digest": found.routes[route.name], "contract": found.contracts[route.name]}
            for route in spec.routes
        },
        "files": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()},
    }
