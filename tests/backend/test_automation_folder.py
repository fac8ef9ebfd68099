"""No path leads out of the folder."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.api.automation.folder import Folder, FolderError, walk


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """root/{a.txt, sub/b.txt, .hidden, links out and in, a FIFO}, with a secret beside the root."""
    root = tmp_path / "root"
    (root / "sub" / ".git").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b.txt").write_text("bb")
    (root / ".hidden").write_text("h")
    (root / "sub" / ".git" / "config").write_text("c")
    (tmp_path / "secret").write_text("s")
    (tmp_path / "rootless").mkdir()
    (tmp_path / "rootless" / "secret").write_text("s")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (root / "in").symlink_to("a.txt")
    os.mkfifo(root / "pipe")
    return Folder(root)


def read(folder: Folder, path: str) -> bytes:
    with folder.file(path) as file:
        return os.read(file, 100)


@pytest.mark.parametrize(
    ("path", "content"), [("a.txt", b"a"), ("./a.txt", b"a"), ("sub/b.txt", b"bb"), ("sub//./b.txt", b"bb")]
)
def test_files_inside_are_read(folder: Folder, path: str, content: bytes) -> None:
    assert read(folder, path) == content


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "sub/../../secret",
        "sub/../a.txt",
        "/etc/passwd",
        "..",
        "../rootless/secret",
        "out",
        "up/secret",
        "up/root/a.txt",
        "in",
        ".hidden",
        "sub/.git/config",
        "a.txt/b",
        "none",
        "pipe",
        "a.txt\0",
        "",
        ".",
        "sub",
        "x" * 300,
    ],
)
def test_everything_else_is_refused(folder: Folder, path: str) -> None:
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(FolderError):
        read(folder, path)
    assert len(os.listdir("/dev/fd")) == before


def test_folders_are_told_from_files(folder: Folder) -> None:
    assert folder.is_folder(".")
    assert folder.is_folder("sub/")
    assert not folder.is_folder("a.txt")
    with folder.folder("sub") as descriptor:
        assert sorted(os.listdir(descriptor)) == [".git", "b.txt"]
    with pytest.raises(FolderError, match=r"'a.txt' is not a folder"), folder.folder("a.txt"):
        pass
    with pytest.raises(FolderError, match="'none' cannot be read: No such file"):
        folder.is_folder("none")


def test_the_root_may_itself_be_a_link(folder: Folder, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder.root)
    assert read(Folder(link), "a.txt") == b"a"


def test_walking_follows_no_link(folder: Folder) -> None:
    with folder.folder(".") as descriptor:
        assert [(entry.path, entry.size) for entry in walk(descriptor)] == [("a.txt", 1), ("sub/b.txt", 2)]
        assert [entry.path for entry in walk(descriptor, hidden=True)] == [
            ".hidden",
            "a.txt",
            "sub/b.txt",
            "sub/.git/config",
        ]


parts = st.sampled_from(["..", ".", "", "sub", "up", "out", "in", "secret", "root", "a.txt", "b.txt", "~", "/", "\0"])


@given(st.one_of(st.lists(parts, max_size=8).map("/".join), st.text(max_size=30)))
@settings(max_examples=300, deadline=None)
def test_no_path_reads_the_secret(tree: Folder, path: str) -> None:
    try:
        content = read(tree, path)
    except FolderError:
        return
    assert content in (b"a", b"bb")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    outside = tmp_path_factory.mktemp("outside")
    root = outside / "root"
    (root / "sub").mkdir(parents=True)
    (outside / "secret").write_text("s")
    (root / "a.txt").write_text("a")
    (root / "sub" / "b.txt").write_text("bb")
    (root / "up").symlink_to("..")
    (root / "sub" / "up").symlink_to("../..")
    (root / "out").symlink_to("../secret")
    (root / "in").symlink_to("sub")
    return Folder(root)
