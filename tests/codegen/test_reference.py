"""The reference's pages: what they say, and that nothing of a spec can be more than text in them."""

import dataclasses
import html
import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from atlas import LONG, atlas
from hostile import texts
from hypothesis import example, given, settings
from hypothesis import strategies as st
from specimens import route, spec

from routewright.codegen.reference import Code, reference
from routewright.codegen.reference.fields import ROWS, Fields
from routewright.codegen.reference.highlight import highlighted
from routewright.codegen.reference.pages import listener
from routewright.codegen.reference.policies import duration, per_second, policies, size
from routewright.codegen.reference.prose import line, prose
from routewright.codegen.reference.snippets import UnsureError, value
from routewright.codegen.reference.words import Words
from routewright.spec.model import AnyShape, Gateway, Message, Parameter, Route, Spec, StringShape, Tls
from routewright.spec.policies import Balance, Cache, CircuitBreaker, Limits, Middleware, Retry, Ticket

ERRORS = (Code("timeout", True, "No reply.", "Wait for `retryAfter`."), Code("too_large", False, "Too much.", "Less."))
CLOSES = (Code("1009", False, "Too large.", "Send less."), Code("4002", True, "Too slow.", "Read faster."))
VOID = {"meta", "link", "input", "wbr", "br", "hr"}
HTML = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "</style>", "<!--",
    "-->", "]]>", "{{ 7 * 7 }}", "{% raw %}", "&lt;", "&#60;b&#62;", "<b>", "</td></tr></table>", "</pre>", "'>", "`",
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html,<script>)", "<javascript:alert(1)>",
    "![x](https://example.com/x.png)", "<https://example.com/?a=\"b\">", "[x]: javascript:alert(1)", "# heading",
    "> " * 30 + "deep", "* " * 30 + "deep", "[" * 40, "|a|\n|-|\n|</td>|", "\\<b>", "~~~\n</code></pre>\n~~~",
)  # fmt: skip


def words(*lines: str) -> frozenset[str]:
    return frozenset(word for each in lines for word in each.split())


MARKED = words("div p ul ol li code pre em strong s a blockquote br table thead tbody tr th td span")
"""Elements that a description may make."""

TAGS = MARKED | words(
    "html head meta title link style script body header button nav main footer h1 h2 h3 h4 section article dl dt dd",
    "b details summary label input wbr",
)
ATTRIBUTES = words(
    "lang charset http-equiv content name rel href class type hidden aria-pressed aria-label aria-labelledby id role",
    "scope tabindex data-words data-label for placeholder autocomplete spellcheck aria-live colspan start title",
)


class Element:
    """An element of a page: its attributes and all text in it."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes, self.text = tag, attributes, ""


class Page(HTMLParser):
    """A page, parsed strictly: every element that is opened is closed in its turn."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        element = Element(tag, {name: each or "" for name, each in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag
        if tag not in ("a", "b", "code", "em", "span", "strong"):
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def all(self, tag: str) -> list[Element]:
        return [each for each in self.elements if each.tag == tag]

    def text(self, tag: str) -> list[str]:
        return [" ".join(each.text.split()) for each in self.all(tag)]


def rendered(whole: Spec, **options: Any) -> dict[str, str]:
    return reference(whole, errors=ERRORS, closes=CLOSES, **options)


def parsed(whole: Spec) -> dict[str, Page]:
    return {path: Page(text) for path, text in rendered(whole).items() if path.endswith(".html")}


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def assert_harmless(page: Page) -> None:
    """No element, attribute or link but those of the templates and of Markdown."""
    for each in page.elements:
        assert each.tag in TAGS
        assert each.attributes.keys() <= ATTRIBUTES
        link = each.attributes.get("href", "#")
        scheme = link.partition(":")[0].lower() if ":" in link.partition("/")[0] else ""
        assert scheme in ("", "https", "http", "mailto") or (
            each.tag == "link" and link.startswith("data:image/svg+xml,")
        )
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert len(page.all("script")) == len(page.all("style")) == 1
    policy = next(each for each in page.all("meta") if "http-equiv" in each.attributes).attributes["content"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(texts(), st.sampled_from(HTML)), min_size=8, max_size=8))
def test_nothing_of_a_spec_becomes_markup(parts: list[str]) -> None:
    a, b, c, d, e, f, g, h = parts
    schema = {
        "title": a, "description": b, "type": "object", "required": [c, d], "default": {e: f}, "examples": [g],
        "properties": {
            c: {"enum": [d, e], "title": f, "description": g, "default": h},
            d: {"type": h, "format": a, "pattern": b, "contentEncoding": c},
            e: {"$ref": f"#/$defs/{f}"}, g: {"$ref": h}, h: {"const": {a: [b]}},
        },
        "patternProperties": {f: {"type": "string", "description": h}},
        "dependentRequired": {a: [b]}, "oneOf": [{"properties": {c: {"const": d}}}, {"$ref": f"#/$defs/{f}"}],
        "$defs": {f: {"title": g, "description": h, "type": "object", "properties": {a: True}}},
    }  # fmt: skip
    messages = [
        Message(name=name, model="M", origin=origin, summary=b, description=c, payload=AnyShape(), schema=schema,
                reply=d, examples=({e: f}, g), deprecated=True, idempotent=True)
        for name, origin in ((a, "client"), (f"{a}.", "handler"), (f"{a}-", "both"))
    ]  # fmt: skip
    whole = spec(
        route(*messages, name=a, module=b, path=c, aliases=(d,), capabilities=(e,), summary=f, description=g,
              parameters=(Parameter(name=h, shape=StringShape()),), middleware=(Middleware(name=a, settings={b: c}),),
              document={"parameters": {h: {"type": "string", "description": a}}}),
        title=a, version=b, description=c, file=d, digest=e, gateway=Gateway(host=f, allowed_origins=(g,)),
    )  # fmt: skip
    for page in parsed(whole).values():
        assert_harmless(page)
    assert reference(whole, errors=(), closes=()) == reference(whole, errors=(), closes=())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(texts(), st.sampled_from(HTML)), max_size=4).map("".join))
@example("two\\\nlines, broken hard  \nand again")
def test_a_description_is_markdown_and_no_html(text: str) -> None:
    for made in (prose(text), line(text), highlighted({text: [text]})):
        page = Page(f"<div>{made}</div>")
        assert {each.tag for each in page.elements} <= MARKED
        for each in page.elements:
            assert each.attributes.keys() <= {"href", "title", "class", "start", "style"}
            assert re.match(r"(https?:|mailto:|$)", each.attributes.get("href", ""), re.IGNORECASE)


def test_every_link_leads_somewhere() -> None:
    pages = parsed(atlas())
    ids = {path: {each.attributes.get("id") for each in page.elements} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.all("a"):
            target, _, fragment = link.attributes["href"].partition("#")
            if target.startswith("https://"):
                continue
            folder = Path(path).parent
            file = str(Path(*(part for part in (folder / target).parts))) if target else path
            file = file.replace("routes/../", "")
            assert file in pages, link.attributes
            assert not fragment or fragment in ids[file] or fragment.startswith(("error-", "close-"))


def test_a_page_says_what_a_client_needs() -> None:
    page = parsed(atlas())["routes/maps.html"]
    whole = page.text("main")[0]
    for part in (
        "/ws/maps/{region}/{rest...}",
        "Also at /maps/{region}/{rest...}",
        "Answered by a stream of found, within 5 s",
        "May be sent again without doing harm",
        "the rest of the path, slashes included",
        "rateLimit.rate 30 a minute per address",
        "limits.inFlight 64 default",
        "limits.connections 5,000",
        "api_key",
        "At least one of these holds: number is there or cents is there.",
        'If kind is "card": number is there.',
        "With number there must also be cents.",
        LONG,
        "A token (JWT) maps the header Authorization: Bearer CREDENTIAL "
        "the subprotocol routewright.auth.CREDENTIAL, offered beside another one",
        "the header Authorization: ApiKey CREDENTIAL or X-API-Key: CREDENTIAL the URL: ?key=CREDENTIAL",
        'A ticket none the first frame: {"type": "$auth", "payload": {"token": "CREDENTIAL"}}',
        "Whatever a plugin asks for none",
        "Needs the scope maps:write",
        "cursors.{user}.{device} cursor:moved Asks for the scopes cursors:read. "
        "user must be the client's claim team, so no pattern fits it. "
        "Subscribers see who else is there: $who, $join and $leave. Subscribers may publish, too: $publish.",
        "The last event of each name comes right after subscribing.",
        '"topic": "cursors.7.7"',
    ):
        assert part in whole
    assert "never to be shown" not in whole.lower().replace("_", " ")
    examples = [
        json.loads(each.text) for each in page.all("pre") if each.attributes.get("aria-label") == "Example of search"
    ]
    assert examples[0] == atlas().routes[0].messages[0].examples[0]
    assert examples[1] == atlas().routes[0].messages[0].examples[1]


def test_a_page_says_what_guards_a_route() -> None:
    made = Route(
        name="a", module="a", path="/ws/a", handler="a",
        auth=(Ticket(),), limits=Limits(bulkhead=2000), retry=Retry(attempts=4),
        balance=Balance(policy="hash", key="payload.user"),
        messages=(Message(name="ask", model="Ask", origin="client", cache=Cache(ttl=10.0, stale_for=50.0)),),
        document={"circuitBreaker": {"openFor": "45s"}}, circuit_breaker=CircuitBreaker(open_for=45.0),
    )  # fmt: skip
    whole = parsed(Spec(file="websocket-routes.json", digest="", routes=(made,)))["routes/a.html"].text("main")[0]
    for part in (
        "auth a ticket by subprotocol or query a way to prove who one is status 401",
        "limits.bulkhead 2,000 requests of all clients together that may wait for replies overloaded",
        "circuitBreaker.openFor 45 s how long a handler is left alone that has failed too often circuit_open",
        "delivery.window 2 min default what is kept for a client of routewright.v1 that comes back",
        "delivery.messages 1,000 frames, 1 MiB default the most that is kept for it",
        "batch 64 frames, 64 KiB default what may come in one frame",
        "retry.attempts 4 tries of an idempotent message in all",
        "cache.ttl 1 min how old a reply to ask may be",
        "balance hash by payload.user which of the handler's processes answers",
    ):
        assert part in whole
    bare = policies(dataclasses.replace(made, framing="raw", messages=(), circuit_breaker=None), Gateway())
    outcomes = {each.key: (each.value, each.outcome) for each in bare}
    assert outcomes["circuitBreaker"] == ("off", "")
    assert not outcomes.keys() & {"delivery.window", "batch"}
    assert outcomes["limits.bulkhead"] == ("2,000", "1013")


def test_levels_of_headings_are_not_skipped() -> None:
    for page in parsed(atlas()).values():
        levels = [int(each.tag[1]) for each in page.elements if re.fullmatch("h[1-6]", each.tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (True, "any value"),
        (False, "nothing: never valid"),
        ({"type": ["string", "null"], "minLength": 1}, "string or null | at least 1 character"),
        ({"type": "string", "maxLength": 1, "pattern": "^a"}, "string | at most 1 character | matches ^a"),
        ({"type": "integer", "minimum": 0, "maximum": 9}, "integer | from 0 to 9"),
        ({"type": "number", "exclusiveMaximum": 1.5}, "number | less than 1.5"),
        ({"const": {"a": 1}}, '{"a": 1}'),
        ({"enum": ["a", 1, None]}, 'one of "a", 1 or null'),
        ({"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 0},
         "array of string | no items | each item format uri"),
        ({"type": "array", "uniqueItems": True, "minItems": 2, "maxItems": 2}, "array | 2 items | no item twice"),
        ({"contains": {"const": 1}, "minContains": 0}, "array | contains any number of items that are 1"),
        ({"type": "object", "additionalProperties": {"$ref": "#/$defs/Node"}}, "map of string to Node"),
        ({"type": "object", "additionalProperties": False}, "empty object"),
        ({"minProperties": 1}, "object | at least 1 field"),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Small"}]}, "string or Small (integer)"),
        ({"$ref": "#/$defs/Small"}, "Small (integer) | at most 5"),
        ({"$ref": "https://example.com/x"}, "https://example.com/x"),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "string | at most 3 characters"),
        ({"type": "string", "not": {"const": "x"}}, 'string | not: "x"'),
    ],
)  # fmt: skip
def test_a_schema_in_words(schema: Any, said: str) -> None:
    found = Words(
        {"Small": {"type": "integer", "maximum": 5}, "Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}
    )
    assert plain(" | ".join([found.kind(schema), *found.remarks(schema)])) == said


def nested(depth: int, keyword: str) -> Any:
    schema: Any = {"type": "integer"}
    for _ in range(depth):
        inside: Any = {"properties": {"a": schema}, "prefixItems": [schema]}.get(keyword, schema)
        schema = {keyword: [schema, schema] if keyword in ("allOf", "anyOf", "oneOf") else inside, "type": "object"}
    return schema


@pytest.mark.parametrize(
    "keyword",
    [
        *("properties", "items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf", "not", "if", "then"),
        *("contains", "propertyNames", "unevaluatedProperties", "unevaluatedItems"),
    ],
)
def test_however_deep_a_schema_nests_the_table_ends(keyword: str) -> None:
    shape = Fields({}).shape(nested(200, keyword) | {"if": True})
    assert len(shape.rows) <= ROWS + 1


def test_a_shape_of_very_many_fields_is_cut() -> None:
    shape = Fields({}).shape({"properties": {f"p{index}": True for index in range(5000)}})
    assert len(shape.rows) == ROWS + 1
    assert "JSON Schema" in shape.rows[-1].description


def test_the_bytes_are_the_same_in_every_process() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_reference import atlas, rendered\nprint(rendered(atlas()))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {f"{rendered(atlas())}\n"}


def test_a_page_does_not_grow_with_the_number_of_routes() -> None:
    maps = atlas().routes[0]
    sizes = []
    for count in (3, 30):
        routes = [dataclasses.replace(maps, module=f"m{index:03}", path=f"/ws/{index:03}") for index in range(count)]
        sizes.append(len(rendered(dataclasses.replace(atlas(), routes=tuple(routes)))["routes/m001.html"]))
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(
    ("gateway", "url"),
    [
        (Gateway(host="0.0.0.0", port=9), "ws://127.0.0.1:9"),
        (Gateway(host="::", port=9), "ws://[::1]:9"),
        (Gateway(host="2001:db8::1", port=9, tls=Tls(certificate="c", key="k")), "wss://[2001:db8::1]:9"),
        (Gateway(host="gateway.example"), "ws://gateway.example:8001"),
    ],
)
def test_where_the_gateway_listens(gateway: Gateway, url: str) -> None:
    assert listener(spec(gateway=gateway)) == url


def test_numbers_in_their_best_unit() -> None:
    assert [per_second(each) for each in (100, 0.5, 1 / 3600, 0.0001)] == [
        "100 a second", "30 a minute", "1 an hour", "0.0001 a second",
    ]  # fmt: skip
    assert [size(each) for each in (512, 65536, 4 * 1024**2, 1500)] == ["512 B", "64 KiB", "4 MiB", "1,500 B"]
    assert [duration(each) for each in (0.25, 1.5, 30, 120, 3600)] == ["250 ms", "1.5 s", "30 s", "2 min", "1 h"]


def test_a_payload_is_only_made_up_where_that_is_certain() -> None:
    made_from = Words(
        {
            "Small": {"type": "integer", "maximum": 0},
            "Loop": {"required": ["a"], "properties": {"a": {"$ref": "#/$defs/Loop"}}},
        }
    )
    made = {
        "type": "object",
        "required": ["a", "b", "c", "d", "e", "f"],
        "properties": {
            "a": {"$ref": "#/$defs/Small"},
            "b": {"type": "string", "minLength": 6},
            "c": {"enum": ["x", "y"]},
            "d": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
            "e": {"type": ["null", "string"]},
            "f": {"type": "number", "minimum": 2.5},
            "g": {"type": "string", "pattern": "^x$"},
        },
    }
    assert value(made, made_from) == {"a": 0, "b": "textxx", "c": "x", "d": [True, True], "e": None, "f": 2.5}
    for unsure in (
        {"type": "string", "pattern": "^x$"},
        {"$ref": "#/$defs/Loop"},
        False,
        {"type": "string", "format": "uuid"},
    ):
        with pytest.raises(UnsureError):
            value(unsure, made_from)
