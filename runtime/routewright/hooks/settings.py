"""A plugin's settings on one route: checked against the plugin's schema, and prepared once."""

from typing import Any

from routewright.hooks.errors import PluginError
from routewright.hooks.registry import Registry
from routewright.table import Middleware, Route


def prepare(route: Route, middleware: Middleware, registry: Registry) -> Any:
    """What the plugin's hooks get as ``settings`` on this route.

    Raises:
        PluginError: the settings do not satisfy the plugin; the message names the route and the plugin.
    """
    name, settings = middleware.name, middleware.settings
    place = f"route {route.name!r}, plugin {name!r}"
    _check(place, _ask(place, "routewright_settings", registry, name, settings), settings)
    prepared = _ask(place, "routewright_prepare", registry, name, settings, route)
    return settings if prepared is None else prepared


def _ask(place: str, hook: str, registry: Registry, name: str, settings: Any, *arguments: Any) -> Any:
    try:
        return registry.ask(hook, name, settings, *arguments)
    except ValueError as error:
        raise PluginError(f"{place}: {error}: correct its settings in the spec's `middleware`") from error
    except Exception as error:
        raise PluginError(f"{place}: {hook} failed: {type(error).__name__}: {error}; see to the plugin") from error


def _check(place: str, schema: Any, settings: Any) -> None:
    if schema is None:
        return
    import jsonschema  # slow to import, and needed only while a table is loaded

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise PluginError(
            f"{place}: what routewright_settings returns is no JSON Schema: {error.json_path}: {error.message}"
        ) from error
    wrong = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(settings))
    if wrong is not None:
        raise PluginError(
            f"{place}: settings{wrong.json_path[1:]}: {_short(wrong.message)}: correct it in the spec's `middleware`"
        )


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}..."
