"""What publishing writes, deletes and leaves alone."""

import json
import os
from pathlib import Path

import pytest

from routewright.codegen import PublishError, compare, publish

MANIFEST = "manifest.json"


def files(**texts: str) -> dict[str, str]:
    """Files ``<name>.py`` and the manifest that owns them."""
    named = {f"{name}.py": text for name, text in texts.items()}
    manifest = {"generator": {"name": "routewright"}, "files": dict.fromkeys(named, "")}
    return {**named, MANIFEST: json.dumps(manifest)}


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_gets_every_file(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "generated"
    published = publish(files(table="x", vision="y"), folder)
    assert contents(folder) == files(table="x", vision="y")
    assert published.written == (MANIFEST, "table.py", "vision.py")
    assert published.deleted == published.unchanged == ()


def test_only_changed_files_are_written(tmp_path: Path) -> None:
    publish(files(table="x", vision="y"), tmp_path)
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    published = publish(files(table="z", vision="y"), tmp_path)
    assert published.written == ("table.py",)
    assert published.unchanged == (MANIFEST, "vision.py")
    after = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"table.py"}


def test_what_is_no_longer_rendered_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    publish(files(table="x", vision="y"), tmp_path)
    (tmp_path / "notes.py").write_text("mine")
    published = publish(files(table="x"), tmp_path)
    assert published.deleted == ("vision.py",)
    assert contents(tmp_path) == {**files(table="x"), "notes.py": "mine"}


def test_a_generated_file_that_was_edited_is_written_again(tmp_path: Path) -> None:
    publish(files(table="x"), tmp_path)
    (tmp_path / "table.py").write_text("edited")
    assert publish(files(table="x"), tmp_path).written == ("table.py",)
    assert contents(tmp_path) == files(table="x")


def test_a_file_of_the_users_is_not_written_over(tmp_path: Path) -> None:
    publish(files(table="x"), tmp_path)
    (tmp_path / "vision.py").write_text("mine")
    with pytest.raises(PublishError, match=r"vision\.py is in the way: it was not generated"):
        publish(files(table="new", vision="y"), tmp_path)
    assert contents(tmp_path) == {**files(table="x"), "vision.py": "mine"}
    (tmp_path / "vision.py").write_text("y")
    assert publish(files(table="new", vision="y"), tmp_path).written == (MANIFEST, "table.py")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"generator": {"name": "other"}, "files": {}}', "<<<<<<<", "\udcff"])
def test_a_manifest_of_somebody_elses_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_bytes(os.fsencode(text))
    for act in (publish, compare):
        with pytest.raises(PublishError, match=r"manifest\.json is not a manifest of `routewright generate`"):
            act(files(table="x"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


@pytest.mark.parametrize(
    "path", ["../out.py", "/tmp/out.py", "a/../../out.py", "", ".", "a\\..\\out.py", "c:out.py", "a\0b"]
)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "generated"
    (tmp_path / "out.py").write_text("mine")
    with pytest.raises(PublishError, match="is no path below"):
        publish({path: "x"}, folder)
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"generator": {"name": "routewright"}, "files": {path: ""}}))
    with pytest.raises(PublishError, match="is no path below"):
        publish(files(table="x"), folder)
    assert (tmp_path / "out.py").read_text() == "mine"


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "generated", tmp_path / "outside"
    outside.mkdir()
    publish(files(table="x", vision="y"), folder)
    (outside / "table.py").write_text("mine")
    (folder / "table.py").unlink()
    (folder / "table.py").symlink_to(outside / "table.py")
    with pytest.raises(PublishError, match="is not a regular file"):
        publish(files(table="x", vision="y"), folder)
    (folder / "sub").symlink_to(outside)
    with pytest.raises(PublishError, match="is a symbolic link"):
        publish({"sub/table.py": "x"}, folder)
    assert (outside / "table.py").read_text() == "mine"


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.py").mkdir()
    with pytest.raises(PublishError, match=r"table\.py is not a regular file"):
        publish(files(table="x"), tmp_path)


def test_the_manifest_comes_last_and_a_failure_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(files(a="1", b="1", table="1"), tmp_path)
    replaced: list[str] = []
    replace = os.replace

    def fail_at_table(source: Path, target: Path) -> None:
        if target.name == "table.py":
            raise OSError("disk full")
        replaced.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_table)
    with pytest.raises(OSError, match="disk full"):
        publish(files(a="2", c="2", table="2"), tmp_path)
    assert replaced == ["a.py", "c.py"]
    assert contents(tmp_path) == {**files(a="1", b="1", table="1"), "a.py": "2", "c.py": "2"}
    monkeypatch.setattr(os, "replace", replace)
    publish(files(a="2", c="2", table="2"), tmp_path)
    assert contents(tmp_path) == files(a="2", c="2", table="2")


def test_files_have_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    publish(files(table="x"), tmp_path)
    assert (tmp_path / "table.py").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_comparing_names_stale_missing_and_extra_files(tmp_path: Path) -> None:
    publish(files(table="a\nb\n", vision="y\n", voice="z\n"), tmp_path)
    (tmp_path / "vision.py").unlink()
    (tmp_path / "notes.py").write_text("mine")
    rendered = {
        "table.py": "a\nc\n",
        "vision.py": "y\n",
        MANIFEST: files(table="a\nb\n", vision="y\n", voice="")[MANIFEST],
    }
    assert [(each.path, each.kind) for each in compare(rendered, tmp_path)] == [
        ("table.py", "stale"), ("vision.py", "missing"), ("voice.py", "extra"),
    ]  # fmt: skip
    assert [each.diff for each in compare(rendered, tmp_path)] == [
        "--- table.py (on disk)\n+++ table.py (rendered)\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n",
        "--- vision.py (on disk)\n+++ vision.py (rendered)\n@@ -0,0 +1 @@\n+y\n",
        "--- voice.py (on disk)\n+++ voice.py (rendered)\n@@ -1 +0,0 @@\n-z\n",
    ]


def test_comparing_sees_every_byte(tmp_path: Path) -> None:
    publish(files(table="a\n"), tmp_path)
    assert compare(files(table="a\n"), tmp_path) == ()
    for content in (b"a", b"a\r\n", b"a\n\xff", b"\xef\xbb\xbfa\n", b"a\x0c\n"):
        (tmp_path / "table.py").write_bytes(content)
        (difference,) = compare(files(table="a\n"), tmp_path)
        assert difference.kind == "stale"
        assert difference.diff.count("@@") == 2
