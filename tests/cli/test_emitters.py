"""Further files that plugins write: rendered, compared, published and deleted like the compiler's own."""

import json
from pathlib import Path

import pytest

from .conftest import Run

NOTES = """\
from routewright.hooks import hookimpl


@hookimpl
def routewright_emit(spec):
    return {"words.txt": "".join(f"{message.name}\\n" for route in spec.routes for message in route.messages)}


@hookimpl
def routewright_templates():
    return "plugins/templates"
"""
TEMPLATE = """\
{% for route in spec.routes %}
{{ route.path }}
{% include "_messages.jinja" %}
{% endfor %}
"""
MESSAGES = "{% for message in route.messages %}- {{ message.name }}\n{% endfor %}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a plugin that has a function and a folder of templates."""
    (tmp_path / "plugins" / "templates" / "pages").mkdir(parents=True)
    (tmp_path / "plugins" / "notes.py").write_text(NOTES)
    (tmp_path / "plugins" / "templates" / "pages" / "routes.md.jinja").write_text(TEMPLATE)
    (tmp_path / "plugins" / "templates" / "_messages.jinja").write_text(MESSAGES)
    write(tmp_path, ["plugins.notes"])
    return tmp_path


def write(folder: Path, emitters: object) -> None:
    route = {"path": "/ws/a", "pythonModule": "a", "messages": {"ask": {}, "tell": {"from": "handler"}}}
    (folder / "websocket-routes.json").write_text(json.dumps({"x-emitters": emitters, "routes": [route]}))


def test_its_files_are_generated_like_all_others(run: Run, project: Path) -> None:
    done = run("generate", cwd=project)
    assert done.returncode == 0, done.stderr
    assert {"wrote generated/words.txt", "wrote generated/pages/routes.md"} <= set(done.stdout.splitlines())
    generated = project / "generated"
    assert (generated / "words.txt").read_text() == "ask\ntell\n"
    assert (generated / "pages" / "routes.md").read_text() == "/ws/a\n- ask\n- tell\n"
    assert {"words.txt", "pages/routes.md"} <= json.loads((generated / "manifest.json").read_text())["files"].keys()
    (generated / "words.txt").write_text("something else\n")
    assert "stale: generated/words.txt" in run("generate", "--check", cwd=project).stdout.splitlines()
    write(project, [])
    assert "deleted generated/words.txt" in run("generate", cwd=project).stdout.splitlines()
    assert not (generated / "words.txt").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('return {"../words.txt": ""}', "'../words.txt' is no path below generated/"),
        ('return {"/words.txt": ""}', "'/words.txt' is no path below generated/"),
        ('return {"a/./b": ""}', "'a/./b' is no path below generated/"),
        ('return {"c:words": ""}', "'c:words' is no path below generated/"),
        ('return {"Table.PY": ""}', "'Table.PY' is taken by the compiler"),
        ('return {"manifest.json": ""}', "'manifest.json' is taken by the compiler"),
        ('return {"pages": "", "pages/x": ""}', "'pages/x' is taken by emitter 'plugins.notes'"),
        ('return {"x.py": "def"}', "x.py: invalid syntax"),
        ('return {"x": 1}', "a dict of str and str is wanted"),
        ("return 1", "answers with a int: a dict of path and text is wanted"),
        ("return spec.nothing", "notes.py:6: AttributeError: 'Spec' object has no attribute 'nothing'"),
    ],
)
def test_what_a_function_does_wrong_is_told_with_its_name(run: Run, tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "plugins").mkdir()
    head = NOTES.partition("    return")[0]
    (tmp_path / "plugins" / "notes.py").write_text(f"{head}    {code}\n")
    write(tmp_path, ["plugins.notes"])
    done = run("generate")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: emitter 'plugins.notes': ")
    assert said in done.stderr
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("one\n{{ spec.nothing }}\n", "broken.md.jinja:2: UndefinedError: "),
        ("one\n\n{% for %}\n", "broken.md.jinja:3: Expected"),
        ("{{ 1 / 0 }}", "broken.md.jinja:1: ZeroDivisionError: "),
        ("{% include 'nowhere' %}", "broken.md.jinja:1: TemplateNotFound: 'nowhere' not found"),
    ],
)
def test_what_a_template_does_wrong_is_told_with_its_line(run: Run, project: Path, template: str, said: str) -> None:
    (project / "plugins" / "templates" / "broken.md.jinja").write_text(template)
    done = run("generate", cwd=project)
    assert done.returncode == 1
    assert done.stderr.startswith("error: emitter 'plugins.notes': ")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("emitters", "said"),
    [
        (["plugins.nowhere"], "plugin 'plugins.nowhere' is not found"),
        (["access_log"], "plugin 'access_log' writes nothing"),
        ("plugins.notes", "a list of names of plugins is wanted"),
        ([1], "a list of names of plugins is wanted"),
    ],
)
def test_a_name_that_leads_to_no_emitter(run: Run, tmp_path: Path, emitters: object, said: str) -> None:
    write(tmp_path, emitters)
    done = run("generate")
    assert done.returncode == 1
    assert done.stderr.startswith("error: x-emitters: ")
    assert said in done.stderr


def test_handlers_are_checked_against_a_folder_with_further_files(run: Run, project: Path) -> None:
    code = 'from routewright.handlers import on\n\n\n@on("ask")\nasync def ask(message): ...\n'
    (project / "a.py").write_text(code)
    run("generate", cwd=project)
    done = run("check", "--handlers", cwd=project)
    assert done.returncode == 0, done.stderr
