"""Names of the spec as Python identifiers."""

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.spec import names


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("request_workspace_analysis", "RequestWorkspaceAnalysis"),
        ("chat.new-message", "ChatNewMessage"),
        ("workspaceAnalysis", "WorkspaceAnalysis"),
        ("HTTP_request", "HTTPRequest"),
        ("v2:ping", "V2Ping"),
        ("none", "NoneMessage"),
        ("any", "AnyMessage"),
        ("struct", "StructMessage"),
        ("exception", "ExceptionMessage"),
    ],
)
def test_messages_become_classes(name: str, model: str) -> None:
    assert names.is_message(name)
    assert names.model(name, "Message") == model


@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9._:/-]{0,30}", fullmatch=True))
def test_every_message_becomes_a_class_that_shadows_nothing(name: str) -> None:
    assert names.is_message(name)
    model = names.model(name, "Message")
    assert model.isidentifier()
    assert model.isascii()
    assert not keyword.iskeyword(model)
    assert not hasattr(builtins, model)


@given(name=st.text())
def test_no_other_name_is_a_message(name: str) -> None:
    if names.is_message(name):
        assert name.isascii()
        assert names.pascal(name).isidentifier()


def test_the_classes_of_every_python_are_reserved() -> None:
    capital = {name for name in dir(builtins) if name[0].isupper()}
    assert capital - {"WindowsError"} <= names.RESERVED_CLASSES
    assert {name for name in keyword.kwlist if name[0].isupper()} <= names.RESERVED_CLASSES
    assert {"Struct", "Meta", "Raw", "UNSET", "UnsetType", "Any", "Literal", "Annotated"} <= names.RESERVED_CLASSES


@pytest.mark.parametrize(
    ("segments", "name"),
    [
        (["ws", "vision"], "vision"),
        (["ws"], "ws"),
        (["ws", "rooms"], "rooms"),
        (["ws", "live", "view"], "live_view"),
        (["api", "v1.2", "Chat"], "api_v1_2_chat"),
        (["ws", "ws"], "ws"),
        ([], ""),
        (["ws", "42"], ""),
        (["~"], ""),
    ],
)
def test_a_route_is_named_after_the_words_of_its_path(segments: list[str], name: str) -> None:
    assert names.default_route(segments) == name


@pytest.mark.parametrize("name", ["backend.api.vision", "vision", "_private.x1"])
def test_dotted_identifiers_are_modules(name: str) -> None:
    assert names.is_module(name)


@pytest.mark.parametrize("name", ["", ".a", "a.", "a..b", "a/b", "a-b", "1a", "a b", "class", "a.import", "é", "a\n"])
def test_nothing_else_is_a_module(name: str) -> None:
    assert not names.is_module(name)


@pytest.mark.parametrize("name", ["table", "components", "manifest", "__init__", "class", "async"])
def test_generated_modules_and_keywords_are_taken(name: str) -> None:
    assert not names.is_free_module(name)
