"""Who may import whom: the floors of the house, as a table of allowed edges."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PACKAGES = {
    folder.name: folder
    for root in ("spec", "codegen", "runtime")
    for folder in sorted((ROOT / root / "routewright").iterdir())
    if folder.is_dir() and folder.name != "__pycache__"
}

FLOORS: dict[str, set[str]] = {
    "spec": set(),
    "codegen": {"spec"},
    "table": set(),
    "policies": {"table"},
    "bridge": {"table", "policies"},
    "handlers": {"table", "policies", "bridge"},
    "hooks": {"table", "policies"},
    "client": {"table", "policies"},
    "gateway": {"table", "policies", "bridge", "hooks"},
    "scan": set(),
    "cli": {"spec", "codegen", "table", "policies", "bridge", "handlers", "hooks", "client", "gateway", "scan"},
}
"""Each package, and the packages of ours that it may import."""

OTHERS: dict[str, set[str]] = {
    "spec": {"jsonschema", "referencing", "rapidfuzz"},
    "codegen": {"jinja2", "markdown_it", "markupsafe", "msgspec", "yaml"},
    "table": {"idna", "msgspec", "rapidfuzz"},
    "policies": set(),
    "bridge": {"msgspec", "zmq"},
    "handlers": {"msgspec", "zmq", "uvloop", "structlog"},
    "hooks": {"msgspec", "pluggy", "jsonschema", "multidict", "structlog", "typer"},
    "client": {"aiohttp", "msgspec", "multidict"},
    "gateway": {
        *(
            "aiohttp",
            "cryptography",
            "jwt",
            "msgspec",
            "multidict",
            "prometheus_client",
            "structlog",
            "uvloop",
            "watchfiles",
            "zlib_ng",
        ),
        "zmq",
    },
    "scan": set(),
    "cli": {"aiohttp", "msgspec", "multidict", "rich", "typer"},
}
"""Each package, and the packages of others that it may import."""

PURE_FORBIDDEN = {"asyncio", "datetime", "os", "select", "socket", "threading", "time"}
"""What a pure state machine has no business with: clocks, sockets and tasks."""

GENERATED_ALLOWED = {"msgspec", "typing", "collections.abc", "re", "math"}
"""What generated Python may import beside `routewright.table` and its own package."""

HEAVY = {
    "aiohttp",
    "asyncio",
    "jinja2",
    "jsonschema",
    "msgspec",
    "pluggy",
    "prometheus_client",
    "rapidfuzz",
    "rich",
    "zmq",
}
"""What no verb may pay for before it runs."""


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield node.lineno, module
            if module == "routewright":
                yield from ((node.lineno, f"routewright.{alias.name}") for alias in node.names)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = []
    for file in sources(PACKAGES[package]):
        for line, module in imports(file):
            top, _, rest = module.partition(".")
            place = f"{file.relative_to(ROOT)}:{line}: {module}"
            if top == "routewright" and rest:
                if rest.split(".")[0] not in FLOORS[package] | {package}:
                    wrong.append(place)
            elif top and top not in sys.stdlib_module_names and top not in OTHERS[package] | {"routewright"}:
                wrong.append(place)
            elif not top:
                wrong.append(f"{place} (a relative import)")
    assert wrong == []


def test_policies_know_no_clock_and_no_socket() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {module}"
        for file in sources(PACKAGES["policies"])
        for line, module in imports(file)
        if module.partition(".")[0] in PURE_FORBIDDEN
    ]
    assert wrong == []


def test_generated_python_imports_only_the_table_and_msgspec() -> None:
    files = sources(ROOT / "generated")
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {module}"
        for file in files
        for line, module in imports(file)
        if module.partition(".")[0] not in ("generated", "")
        and not module.startswith("routewright.table")
        and module not in GENERATED_ALLOWED
    ]
    assert files
    assert wrong == []


def test_handler_modules_import_handlers_and_what_clients_may_know() -> None:
    allowed = ("routewright.handlers", "routewright.table")
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {module}"
        for file in sources(ROOT / "backend")
        for line, module in imports(file)
        if module.startswith("routewright") and not module.startswith(allowed)
    ]
    assert wrong == []


def test_the_floors_have_no_cycle() -> None:
    standing: set[str] = set()
    for package in sorted(FLOORS, key=lambda name: len(FLOORS[name])):
        assert FLOORS[package] <= standing, package
        standing.add(package)


def test_routewright_is_a_namespace_of_typed_packages() -> None:
    assert set(PACKAGES) <= set(FLOORS)
    for package in PACKAGES.values():
        assert (package / "py.typed").is_file()
        assert not (package.parent / "__init__.py").exists()


def test_the_command_line_starts_without_what_its_verbs_need() -> None:
    program = (
        "import sys; from routewright.cli.app import build; build(['--version']);"
        f"print(sorted({HEAVY!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
