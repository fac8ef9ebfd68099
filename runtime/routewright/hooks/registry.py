"""The plugins of one table: checked against the hook specifications, and ready to be made into chains.

Strategy: pluggy parses the implementations and checks their arguments; what it would let pass in silence (a hook
without the marker, a name that is no hook, a wrapper) is an error here.
"""

import difflib
import inspect
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pluggy import HookImpl, PluginManager, PluginValidationError

from routewright.hooks import specs
from routewright.hooks.chains import Call, Function, adapt, in_order, waits
from routewright.hooks.errors import PluginError

ARGUMENTS: Final = {
    name: tuple(inspect.signature(spec).parameters)
    for name, spec in vars(specs).items()
    if name.startswith("routewright_")
}
"""Every hook and its arguments."""

NEVER_ASYNC: Final = (
    "routewright_settings",
    "routewright_prepare",
    "routewright_emit",
    "routewright_templates",
    "routewright_cli",
)


class Placed(NamedTuple):
    """An implementation where a spec puts it."""

    plugin: str
    implementation: HookImpl
    settings: Any

    @property
    def tryfirst(self) -> bool:
        return self.implementation.tryfirst

    @property
    def trylast(self) -> bool:
        return self.implementation.trylast

    def call(self, given: tuple[str, ...]) -> Call:
        """The chain's entry, for a hook with the ``given`` arguments."""
        function = self.implementation.function
        wanted = tuple(self.implementation.argnames)
        return Call(self.plugin, adapt(function, wanted, given, self.settings), waits(function))


class Registry:
    """Plugins by name, in the order in which they were added."""

    def __init__(self) -> None:
        self._manager = PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._plugins: dict[str, Any] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._plugins

    def plugins(self) -> dict[str, Any]:
        """The plugins themselves, modules or instances; one that goes by two names only under its first."""
        once: dict[int, str] = {}
        for name, plugin in self._plugins.items():
            once.setdefault(id(plugin), name)
        return {name: self._plugins[name] for name in once.values()}

    def add(self, name: str, plugin: Any) -> None:
        """Check the plugin, and keep it.

        Raises:
            PluginError: it is no plugin, or one of its hooks is not as specified.
        """
        if inspect.isclass(plugin):
            raise PluginError(f"plugin {name!r} is the class {plugin.__name__}: name an instance of it, or a module")
        if not any(plugin is other for other in self._plugins.values()):
            self._check(name, plugin)
            try:
                self._manager.register(plugin, name)
            except PluginValidationError as error:
                raise PluginError(f"plugin {name!r}: {error}") from error
        self._plugins[name] = plugin

    def calls(self, hook: str, bound: Iterable[tuple[str, Any]]) -> list[Call]:
        """What the chain of a hook is made of.

        Args:
            bound: names of plugins with their settings, in the order of the spec; a name may come twice.
        """
        given = tuple(name for name in ARGUMENTS[hook] if name != "settings")
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        placed = [
            Placed(name, each, settings)
            for name, settings in bound
            for each in implementations
            if each.plugin is self._plugins[name]
        ]
        return [each.call(given) for each in in_order(placed)]

    def ask(self, hook: str, name: str, settings: Any, *arguments: Any) -> Any:
        """What one plugin answers at a hook: the first answer that is not ``None``."""
        for call in self.calls(hook, [(name, settings)]):
            answer = call.function(*arguments)
            if answer is not None:
                return answer
        return None

    def _check(self, name: str, plugin: Any) -> None:
        """Everything about a plugin's hooks that can be told from outside."""
        found = 0
        for attribute in dir(plugin):
            options = self._manager.parse_hookimpl_opts(plugin, attribute)
            if options is None:
                if attribute.startswith("routewright_") and inspect.isroutine(getattr(plugin, attribute)):
                    raise PluginError(f"plugin {name!r}: {attribute} is no hook yet: mark it with @hookimpl")
                continue
            found += 1
            if options.get("wrapper") or options.get("hookwrapper"):
                raise PluginError(
                    f"plugin {name!r}: {attribute} is a wrapper, which a compiled chain cannot call: "
                    "use tryfirst or trylast"
                )
            hook = options.get("specname") or attribute
            if hook in ARGUMENTS or not options.get("optionalhook"):
                _check_hook(name, hook, getattr(plugin, attribute))
        if not found:
            raise PluginError(f"plugin {name!r} has no hook: write one, and mark it with @hookimpl")


def _check_hook(plugin: str, hook: str, function: Function) -> None:
    known = ARGUMENTS.get(hook)
    if known is None:
        near = difflib.get_close_matches(hook, ARGUMENTS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the hooks are {', '.join(sorted(ARGUMENTS))}"
        raise PluginError(f"plugin {plugin!r}: there is no hook {hook!r}: {hint}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(f"plugin {plugin!r}: {hook} has a `yield`: return its answer instead")
    if waits(function) and hook in NEVER_ASYNC:
        raise PluginError(f"plugin {plugin!r}: {hook} is called where nothing can wait: write `def`, not `async def`")
    for parameter in inspect.signature(function).parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise PluginError(f"plugin {plugin!r}: {hook} takes *{parameter.name}: name the arguments that it wants")
        if required and parameter.name not in known:
            takes = f"it may take {', '.join(known)}" if known else "it takes no arguments"
            raise PluginError(f"plugin {plugin!r}: {hook} has no argument {parameter.name!r}: {takes}")
        if parameter.kind is parameter.KEYWORD_ONLY or (not required and parameter.name in known):
            raise PluginError(
                f"plugin {plugin!r}: {hook} takes {parameter.name!r} by keyword or with a default, "
                "and would never get it: make it a plain argument"
            )
