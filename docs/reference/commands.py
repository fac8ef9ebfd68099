"""The page of commands: what ``--help`` says, from the same place.

Strategy: typer's own parameter declarations are read off the functions' signatures. The command objects that typer
makes of them differ from version to version.
"""

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from typer.models import ArgumentInfo, CommandInfo, OptionInfo, ParameterInfo

from docs.reference.table import note, table
from routewright.cli.app import build
from routewright.hooks.builtin import api_key


class Parameter(NamedTuple):
    """A parameter of a command: its Python name and type, what typer is told of it, its default."""

    name: str
    type: Any
    info: ParameterInfo
    default: Any

    @property
    def required(self) -> bool:
        """Whether the command fails without it."""
        return self.default is inspect.Parameter.empty


def commands() -> Iterable[str]:
    """The parts of the page."""
    # all own verbs, and no plugin that happens to be installed; the built-in one is asked for
    app = build(["--version"])
    api_key.routewright_cli(app)
    root = app.registered_callback
    yield _text(root.callback if root is not None else None)
    yield "Exit codes: 0 fine, 1 problems found, 2 wrong usage. `--help` works after each command."
    rows = []
    for command in app.registered_commands:
        first = _text(command.callback).split("\n\n")[0]
        rows.append((f"[`{command.name}`](#routewright-{command.name})", note(first)))
    yield table(("command", ""), rows)
    for command in app.registered_commands:
        yield from _command(command)


def _command(command: CommandInfo) -> Iterator[str]:
    callback = command.callback
    if callback is None:
        return
    parameters = list(_parameters(callback))
    arguments = [each for each in parameters if isinstance(each.info, ArgumentInfo)]
    options = [each for each in parameters if isinstance(each.info, OptionInfo)]
    yield f"## routewright {command.name}"
    usage = " ".join(["routewright", str(command.name), "[OPTIONS]", *(_place(each) for each in arguments)])
    yield f"```text\n{usage}\n```"
    yield _text(callback)
    if arguments:
        yield table(
            ("argument", "meaning"), [(f"`{_metavar(each)}`", note(each.info.help or "")) for each in arguments]
        )
    if options:
        rows = [(_flags(each), _default(each), note(_meaning(each))) for each in options]
        yield table(("option", "default", "meaning"), rows)
    if command.epilog:
        yield _examples(command.epilog)


def _parameters(callback: Callable[..., Any]) -> Iterator[Parameter]:
    hints = typing.get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        hint = hints[name]
        if typing.get_origin(hint) is typing.Annotated:
            plain, info = typing.get_args(hint)[:2]
        else:
            plain, info = hint, OptionInfo()
        yield Parameter(name, plain, info, parameter.default)


def _text(callback: Callable[..., Any] | None) -> str:
    return inspect.getdoc(callback) or ""


def _metavar(parameter: Parameter) -> str:
    return parameter.info.metavar or parameter.name.upper()


def _place(argument: Parameter) -> str:
    return _metavar(argument) if argument.required else f"[{_metavar(argument)}]"


def _plain(type: Any) -> Any:
    """The type of one value: without ``None``, and without the list that repeating makes."""
    if isinstance(type, types.UnionType) or typing.get_origin(type) is typing.Union:
        (type,) = (each for each in typing.get_args(type) if each is not types.NoneType)
    return typing.get_args(type)[0] if typing.get_origin(type) is list else type


def _flags(option: Parameter) -> str:
    own = f"--{option.name.replace('_', '-')}"
    kind = _plain(option.type)
    # typer takes the first declaration for a default and puts it right later
    given = (option.info.default, *(option.info.param_decls or ()))
    declared = [each for each in given if isinstance(each, str) and each.startswith("-")]
    if kind is bool:
        names = "/".join(declared or [own if option.default is False else f"{own}/--no{own[1:]}"])
        return ", ".join(f"`{name}`" for name in names.split("/"))
    return ", ".join(f"`{name} {_value(option, kind)}`" for name in declared or [own])


def _value(option: Parameter, kind: Any) -> str:
    if option.info.metavar:
        return option.info.metavar
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return r"\|".join(str(each.value) for each in kind)
    return {int: "NUMBER", float: "SECONDS"}.get(kind, "TEXT")


def _meaning(option: Parameter) -> str:
    info = option.info
    parts = [info.help or ""]
    if info.min is not None and info.max is not None:
        parts.append(f"From {info.min} to {info.max}.")
    if "list" in str(option.type) and "repeat" not in parts[0]:
        parts.append("May be repeated.")
    if info.envvar:
        parts.append(f"Also `{info.envvar}`.")
    return " ".join(filter(None, parts))


def _default(option: Parameter) -> str:
    value = getattr(option.default, "value", option.default)
    if option.required:
        return "required"
    if value is None or value is False or value == "" or str(value) == ".":
        return ""
    if value is True:
        return _flags(option).split(",")[0]
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _examples(epilog: str) -> str:
    before, _, examples = epilog.partition("Examples:")
    lines = [line.strip() for line in examples.splitlines() if line.strip() not in ("", "\b")]
    block = "```text\n" + "\n".join(lines) + "\n```"
    return "\n\n".join(filter(None, (before.strip(), block)))
