"""``x-allow``: what it silences, and what does not see it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routewright.spec.model import Spec
from tests.spec.conftest import Check

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(("RW251", "RW202", "RW151")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("RW251", "RW999", "a")), inner),
    max_leaves=5,
)

BASE: dict[str, Any] = {
    "gateway": {"host": "0.0.0.0"},
    "defaults": {"limits": {"inFlight": 8}},
    "components": {"schemas": {"Text": {"type": "string"}, "Spare": {"type": "null"}}},
    "routes": [
        {
            "path": "/ws/a",
            "pythonModule": "a",
            "x-mine": 1,
            "rateLimit": False,
            "middleware": [{"name": "access_log", "settings": {}}],
            "parameters": {},
            "messages": {
                "say": {
                    "reply": {"message": "said"},
                    "payload": {"type": "object", "properties": {"text": {"type": "string"}}},
                },
                "said": {"from": "handler", "payload": {"$ref": "#/components/schemas/Text"}},
            },
        }
    ],
}
ALL = ["RW252", "RW554", "RW251", "RW351", "RW451"]


def reach(spec: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        spec = spec[key]
    return spec


def found(checked: Check, spec: Any) -> list[str]:
    return [problem.code for problem in checked(spec).problems]


@pytest.mark.parametrize(
    ("keys", "code", "silenced"),
    [
        ((), "RW251", True),
        (("routes", 0), "RW251", True),
        (("routes", 0), "RW351", True),
        (("routes", 0, "messages", "say"), "RW351", True),
        (("routes", 0, "messages", "say", "payload", "properties", "text"), "RW351", True),
        (("routes", 0, "messages", "said"), "RW351", False),
        (("routes", 0, "messages", "say", "reply"), "RW351", False),
        (("gateway",), "RW554", True),
        (("gateway",), "RW252", False),
        (("components",), "RW451", True),
        (("components", "schemas", "Spare"), "RW451", True),
        (("components", "schemas", "Text"), "RW451", False),
        (("routes", 0, "middleware", 0), "RW252", False),
    ],
)
def test_it_silences_its_object_and_what_is_inside(
    checked: Check, keys: tuple[str | int, ...], code: str, silenced: bool
) -> None:
    before = found(checked, BASE)
    assert sorted(before) == sorted(ALL)
    spec = copy.deepcopy(BASE)
    reach(spec, keys).update({"x-allow": [code], "x-allow-reason": "it is meant"})
    after = found(checked, spec)
    assert sorted(after) == sorted([each for each in before if each != code] if silenced else [*before, "RW151"])


def allowed_everywhere(value: Any, named: bool = False) -> None:
    """Put an allowance on every object of a spec."""
    if isinstance(value, dict):
        for key, member in value.items():
            allowed_everywhere(member, key in ("properties", "messages", "schemas", "parameters"))
        if not named:
            value.update({"x-allow": dict.fromkeys(ALL, "it is meant")})
    elif isinstance(value, list):
        for item in value:
            allowed_everywhere(item)


def test_nothing_but_the_rules_sees_it(checked: Check, valid: Callable[..., Spec]) -> None:
    plain = valid(BASE)
    spec = copy.deepcopy(BASE)
    settings = spec["routes"][0]["middleware"][0].pop("settings")
    allowed_everywhere(spec)
    spec["routes"][0]["middleware"][0]["settings"] = settings
    assert valid(spec) == plain
    assert plain.routes[0].extensions == {"x-mine": 1}


def test_it_is_left_alone_where_it_is_data(valid: Callable[..., Spec]) -> None:
    spec = copy.deepcopy(BASE)
    route = spec["routes"][0]
    route["middleware"][0]["settings"] = {"x-allow": ["anything"]}
    route["messages"]["say"]["payload"]["properties"]["x-allow"] = {"type": "string", "maxLength": 1}
    route["messages"]["say"]["examples"] = [{"x-allow": "a"}]
    found = valid(spec).routes[0]
    assert found.middleware[0].settings == {"x-allow": ["anything"]}
    assert found.messages[0].examples == ({"x-allow": "a"},)
    assert "x-allow" in found.messages[0].schema["properties"]


def test_it_works_in_other_files(checked: Check) -> None:
    route = {"path": "/ws/a", "pythonModule": "a", "messages": {"say": {"payload": {"$ref": "text.json"}}}}
    text = {"type": "string", "x-allow": ["RW351"], "x-allow-reason": "it is cut"}
    assert found_in(checked, route, {"type": "string"}) == ["RW351"]
    assert found_in(checked, route, text) == []
    assert found_in(checked, route, {**text, "x-allow-reason": ""}) == ["RW107"]


def found_in(checked: Check, route: dict[str, Any], text: dict[str, Any]) -> list[str]:
    return [problem.code for problem in checked({"routes": [route]}, text=text).problems]


@given(codes=VALUES, reason=st.none() | VALUES, silenced=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_there_is_an_allowance_or_a_problem(
    checked: Check, codes: Any, reason: Any, silenced: bool
) -> None:
    route = {"path": "/ws/a", "pythonModule": "a", "rateLimit": not silenced and {}, "x-allow": codes}
    problems = {problem.code for problem in checked({"routes": [{**route, "x-allow-reason": reason}]}).problems}
    assert problems <= {"RW107", "RW108", "RW151", "RW251"}
    good = codes in (["RW251"], ["RW251", "RW251"]) and isinstance(reason, str) and reason.strip()
    assert (not problems) <= (silenced and (bool(good) or isinstance(codes, dict)))
