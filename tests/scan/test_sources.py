"""Which files are read, and that none of them can stop a scan."""

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.cli.drafting import draft
from routewright.scan import scan
from routewright.scan.sources import SIZE, listing

from .conftest import Write, run

ENDPOINT = "from fastapi import FastAPI\napp = FastAPI()\n@app.websocket('/ws')\nasync def ws(websocket): ...\n"
GOLDEN = Path(__file__).parent / "golden"
SOURCES = sorted(file for file in GOLDEN.glob("*/tree/**/*.py") if file.stat().st_size)


def test_what_cannot_be_parsed_is_named_and_passed_over(write: Write) -> None:
    folder = write({"good.py": ENDPOINT, "broken.py": "def websocket(:\n", "old.py": "print 'websocket'\n"})
    (folder / "nul.py").write_bytes(b"# websocket\nx = '\0'\n")
    (folder / "latin.py").write_bytes(b"# websocket \xff\n")
    (folder / "coding.py").write_bytes(b"# coding: no-such-thing\nwebsocket = 1\n")
    (folder / "deep.py").write_text(f"websocket = {'(' * 5000}{')' * 5000}\n")
    (folder / "operators.py").write_text(f"websocket = {'-' * 200_000}1\n")
    (folder / "huge.py").write_text("# websocket\n" + "#" * SIZE)
    done = run(".")
    assert done.code == 0
    named = [line.partition(": ")[0] for line in done.stderr.splitlines()]
    assert {"broken.py", "coding.py", "deep.py", "huge.py", "latin.py", "nul.py", "old.py"} <= set(named)
    assert "huge.py: passed over: it is larger than 4 MiB\n" in done.stderr
    assert "nul.py: passed over: it has null bytes\n" in done.stderr
    assert "1 endpoint in 9 files, 0 conflicts\n" in done.stdout


def test_an_encoding_that_is_declared_is_followed(write: Write) -> None:
    (write({}) / "latin.py").write_bytes(b"# coding: latin-1\n" + ENDPOINT.replace("/ws", "/\u00e9").encode("latin-1"))
    assert [each.path for each in scan([Path(".")]).endpoints] == ["/\u00e9"]


def test_a_long_chain_is_no_deep_one(write: Write) -> None:
    branches = "".join(f"elif kind == 'm{number}':\n        pass\n    " for number in range(700))
    handler = (
        f"    kind = (await websocket.receive_json())['type']\n    if kind == 'first':\n        pass\n    {branches}\n"
    )
    total = " + ".join(["'/a'"] * 700)
    write({"app.py": ENDPOINT.replace("...", f"\n{handler}\nPATH = {total}\n").replace("'/ws'", "'/' + 'ws'")})
    (endpoint,) = scan([Path(".")]).endpoints
    assert endpoint.path == "/ws"
    assert len(endpoint.messages) == 701


def test_constants_that_grow_or_turn_in_a_circle_end(write: Write) -> None:
    doubling = "".join(f"A{number} = A{number + 1} + A{number + 1}\n" for number in range(40))
    write(
        {
            "app.py": f"from fastapi import FastAPI\nfrom other import X\napp = FastAPI()\n{doubling}A40 = 'ab'\n"
            "Y = X\n"
            "app.add_api_websocket_route(A0, app)\napp.add_api_websocket_route(X, app)\napp.include_router(app)\n",
            "other.py": "from app import Y\nX = Y\n",
        }
    )
    assert [each.known for each in scan([Path(".")]).endpoints] == [False, False]


def test_classes_that_derive_from_each_other_end(write: Write) -> None:
    write({"app.py": "class A(B): ...\nclass B(A): ...\n# WebSocketHandler\nx = [('/a', A)]\n"})
    assert scan([Path(".")]).endpoints == ()


FOREIGN = (
    ".hidden/a.py",
    "node_modules/a.py",
    "lib/site-packages/a.py",
    "venv/a.py",
    "mine/a.py",
    "a/__pycache__/a.py",
)


def test_folders_that_are_nobodys_own_code_are_left_out_unless_named(write: Write) -> None:
    write(dict.fromkeys(("a/own.py", *FOREIGN), ENDPOINT) | {"mine/pyvenv.cfg": ""})
    assert [each.as_posix() for each in listing([Path(".")])] == ["a/own.py"]
    assert [each.as_posix() for each in listing([Path("lib/site-packages")])] == ["lib/site-packages/a.py"]
    assert [each.as_posix() for each in listing([Path("mine"), Path("mine/a.py")])] == ["mine/a.py"]


def test_links_lead_nowhere_twice(write: Write) -> None:
    folder = write({"a/own.py": ENDPOINT})
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "b.py").symlink_to(folder / "a" / "own.py")
    (folder / "gone.py").symlink_to(folder / "nothing.py")
    (folder / "self.py").symlink_to(folder / "self.py")
    os.mkfifo(folder / "pipe.py")
    assert len(list(listing([Path(".")]))) == 1


def holds(source: bytes, folder: Path) -> None:
    """Scan one source: it never raises, and the draft is always a spec."""
    (folder / "module.py").write_bytes(source)
    found = scan([folder])
    assert found.files == 1
    draft(found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SOURCES), st.data())
def test_a_mutated_source_never_raises(write: Write, source: Path, data: st.DataObject) -> None:
    text = source.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = data.draw(st.integers(0, len(lines) - 1)), data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(("cut", "swap", "copy", "letter"))):
            case "cut":
                lines[at] = ""
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "copy":
                lines[at] += lines[other]
            case _:
                place = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + data.draw(st.sampled_from("()[]{}'\"\\*:.,/<>\0é=")) + lines[at][place:]
    holds("".join(lines).encode(), write({}))


NAMES = st.sampled_from(["app", "router", "a", "b", "self", "Mount", "FastAPI", "path", "routes", "handler", "re_path"])
TEXTS = st.sampled_from(
    ["'/ws'", "'/{a}'", "'<int:b>'", "r'^(?P<x>[^/]+)/(('", "f'{a}/x'", "'%s' % a", "None", "1", "..."]
)
EXPRESSIONS = st.recursive(
    NAMES | TEXTS,
    lambda inner: st.one_of(
        st.builds("{}({}, {})".format, inner, inner, inner),
        st.builds("{}.{}".format, NAMES, NAMES),
        st.builds("({} + {})".format, inner, inner),
        st.builds("[{}, *{}]".format, inner, inner),
        st.builds("({}, {})".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("{}({}, prefix={})".format, NAMES, inner, inner),
        st.builds(
            "{}.{}({}, routes={})".format,
            NAMES,
            st.sampled_from(
                ["websocket", "mount", "include_router", "add_routes", "append", "format", "join", "route", "as_asgi"]
            ),
            inner,
            inner,
        ),
    ),
    max_leaves=12,
)
STATEMENTS = st.recursive(
    st.one_of(
        st.builds("{} = {}".format, NAMES, EXPRESSIONS),
        st.builds("{} += {}".format, NAMES, EXPRESSIONS),
        EXPRESSIONS.map(str),
        st.sampled_from(
            [
                "from fastapi import *",
                "from . import a",
                "import module as app",
                "from django.urls import path, re_path",
                "from tornado.websocket import WebSocketHandler as b",
                "from litestar import Controller as a, websocket as router",
                "from aiohttp import web as app",
                "from starlette.routing import Mount",
                "global app",
            ]
        ),
    ),
    lambda inner: st.one_of(
        st.builds("def {}({}, *b): \n {}\n return {}".format, NAMES, NAMES, inner, NAMES),
        st.builds("@{}\nclass {}({}):\n {}".format, EXPRESSIONS, NAMES, NAMES, inner),
        st.builds("@{}.websocket({})\nasync def {}(self): \n {}".format, NAMES, EXPRESSIONS, NAMES, inner),
        st.builds("for {} in {}:\n {}".format, NAMES, EXPRESSIONS, inner),
        st.builds("if {}:\n {}\nelse:\n {}".format, EXPRESSIONS, inner, inner),
    ).map(lambda text: text.replace("\n ", "\n   ") if "\n   " not in text else "pass"),
    max_leaves=4,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STATEMENTS, min_size=1, max_size=12))
def test_any_program_of_telling_words_never_raises(write: Write, statements: list[str]) -> None:
    holds(("# websocket\n" + "\n".join(statements)).encode(), write({}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_never_raise(write: Write, source: bytes) -> None:
    holds(b"# websocket\n" + source, write({}))


def test_long_chains_end(write: Write) -> None:
    names = "".join(f"a{number} = a{number + 1}\n" for number in range(3000))
    calls = "x" + ".mount('/a', app=b)" * 300
    wrapped = "wrap(" * 80 + "app" + ")" * 80
    write(
        {
            "names.py": f"{ENDPOINT}{names}a3000 = '/late'\napp.add_api_websocket_route(a0, ws)\n",
            "calls.py": f"# websocket\n{calls}\n",
            "wrapped.py": f"{ENDPOINT}{wrapped}.websocket('/x')(ws)\n",
        }
    )
    assert {each.path for each in scan([Path(".")]).endpoints} >= {"/ws", "<a0>"}


def test_modules_that_import_each_other_end(write: Write) -> None:
    write(
        {
            "pkg/__init__.py": "from .one import *\nfrom .two import *\n",
            "pkg/one.py": "from pkg import two\nfrom pkg.two import *\nfrom . import *\nfrom .two import app\n",
            "pkg/two.py": "from pkg.one import *\nfrom .one import app\n@app.websocket('/ws')\ndef ws(socket): ...\n",
        }
    )
    assert [each.path for each in scan([Path(".")]).endpoints] == ["/ws"]
