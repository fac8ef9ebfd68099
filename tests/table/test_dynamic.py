"""Routes that workers register: what may be claimed, and what a claim meets."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routewright.table import Limits, Route
from routewright.table.dynamic import Claim, ClaimError, claim, route, unclaimed
from routewright.table.paths import Matcher, overlap


def a_route(path: str, *aliases: str, name: str = "declared") -> Route:
    return Route(name=name, path=path, aliases=aliases, handler="h", digest="d", contract="c")


SEGMENTS = st.sampled_from(["a", "b", "{x}"])
TEMPLATES = st.builds(
    lambda segments, tail: "/" + "/".join([*dict.fromkeys(segments)] + (["{rest...}"] if tail else [])),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.booleans(),
)
PATHS = ["/" + "/".join(each) for count in range(1, 6) for each in product("ab", repeat=count)]


@given(TEMPLATES, TEMPLATES)
def test_two_templates_overlap_where_a_path_fits_both(one: str, other: str) -> None:
    ours, theirs = Matcher([a_route(one)]), Matcher([a_route(other)])
    both = [path for path in PATHS if ours.match(path) and theirs.match(path)]
    assert overlap(one, other) == overlap(other, one) == bool(both)


def test_a_claim_is_named_by_its_path() -> None:
    assert claim({"path": "/ws/lab/{room}/{rest...}"}) == Claim(path="/ws/lab/{room}/{rest...}", name="lab")
    assert claim({"path": "/ws/Big-Lab"}).name == "big_lab"
    assert claim({"path": "/ws/lab", "name": "x", "later": 1}) == Claim(path="/ws/lab", name="x")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"path": 1},
        {"path": ""},
        {"path": "ws/lab"},
        {"path": "/"},
        {"path": "/ws//lab"},
        {"path": "/ws/lab/"},
        {"path": "/ws/../lab"},
        {"path": "/ws/%6Cab"},
        {"path": "/ws/l\u00e4b"},
        {"path": "/ws/lab?x"},
        {"path": "/ws/{x}/{x}"},
        {"path": "/ws/{x...}/y"},
        {"path": "/ws/a{x}"},
        {"path": "/ws/lab\n"},
        {"path": "/a" * 33},
        {"path": "/.well-known/websocket-routes"},
        {"path": "/{x}/{y}"},
        {"path": "/{rest...}"},
        {"path": "/ws/{x}"},
        {"path": "/ws/lab", "name": "../lab"},
        {"path": "/ws/lab", "name": "1"},
        {"path": "/ws/lab", "framing": "carrier pigeon"},
        {"path": "/ws/lab", "capabilities": ["a b"]},
        {"path": "/ws/lab", "capabilities": ["a"] * 33},
        {"path": "/ws/lab", "summary": "two\nlines"},
    ],
)
def test_what_is_no_route_is_refused(said: object) -> None:
    with pytest.raises(ClaimError):
        claim(said)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/ws/vision", "meets '/ws/vision'"),
        ("/ws/old", "meets '/ws/old'"),
        ("/ws/{any}", "meets '/ws/vision'"),
        ("/ws/rooms/lobby", "meets '/ws/rooms/{room}'"),
        ("/ws/rooms/{other}", "meets '/ws/rooms/{room}'"),
        ("/ws/files/a/b/c", "meets '/ws/files/{path...}'"),
        ("/ws/{all...}", "meets '/ws/vision'"),
    ],
)
def test_what_the_spec_claims_is_not_to_be_had(path: str, text: str) -> None:
    routes = [
        a_route("/ws/vision", "/ws/old", name="vision"),
        a_route("/ws/rooms/{room}", name="rooms"),
        a_route("/ws/files/{path...}", name="files"),
    ]
    with pytest.raises(ClaimError, match="meets") as refusal:
        unclaimed(claim({"path": path, "name": "mine"}), routes)
    assert text in str(refusal.value)
    with pytest.raises(ClaimError, match=r"there is a route 'rooms' at /ws/rooms/{room} already"):
        unclaimed(claim({"path": "/ws/elsewhere", "name": "rooms"}), routes)
    unclaimed(claim({"path": "/ws/elsewhere"}), routes)


def test_a_claimed_route_has_the_policies_of_the_defaults() -> None:
    undeclared = Route(
        name="", path="", handler="", digest="", contract="", rate_limit=None, limits=Limits(in_flight=3)
    )
    made = route(claim({"path": "/ws/lab/{room}", "capabilities": ["x"], "summary": "s"}), undeclared)
    assert (made.name, made.path, made.capabilities, made.summary) == ("lab", "/ws/lab/{room}", ("x",), "s")
    assert (made.open, made.source, made.messages, made.rate_limit, made.limits.in_flight) == (
        True,
        "worker",
        (),
        None,
        3,
    )
    assert [each.name for each in made.parameters] == ["room"]
    assert made.digest != route(claim({"path": "/ws/lab/{room}"}), undeclared).digest
