"""A spec for the reference that uses all there is: every keyword of a schema, every kind of route, long names."""

from typing import Any

from routewright.spec.model import (
    AnyShape,
    Authorize,
    IntegerShape,
    Message,
    Parameter,
    Route,
    Spec,
    StringShape,
    Topic,
)
from routewright.spec.policies import ApiKey, Jwt, Limits, Middleware, Plugin, RateLimit, Ticket

LONG = "a_name_that_is_much_longer_than_anybody_would_like_it_to_be_and_has_no_place_to_break"

PLACE: dict[str, Any] = {
    "type": "object",
    "title": "Place",
    "description": "A place on the map, in degrees.",
    "required": ["lat", "lon"],
    "additionalProperties": False,
    "properties": {
        "lat": {"type": "number", "minimum": -90, "maximum": 90, "description": "Latitude; **north** is positive."},
        "lon": {"type": "number", "exclusiveMinimum": -180, "maximum": 180},
        "parent": {"$ref": "#/$defs/Place", "description": "The place that this one is part of."},
    },
}

DEFINITIONS: dict[str, Any] = {
    "Place": PLACE,
    "Share": {"type": "number", "minimum": 0, "maximum": 1, "description": "A part of a whole."},
    "Circle": {
        "type": "object",
        "required": ["shape", "radius"],
        "properties": {"shape": {"const": "circle"}, "radius": {"type": "number", "exclusiveMinimum": 0}},
    },
    "Polygon": {
        "type": "object",
        "title": "A polygon",
        "required": ["shape", "corners"],
        "properties": {
            "shape": {"const": "polygon"},
            "corners": {"type": "array", "minItems": 3, "maxItems": 500, "items": {"$ref": "#/$defs/Place"}},
        },
    },
    "Area": {
        "description": "Where to look.",
        "oneOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Polygon"}, {"type": "null"}],
    },
}

SEARCH: dict[str, Any] = {
    "type": "object",
    "required": ["words", "area"],
    "additionalProperties": False,
    "properties": {
        "words": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"^[\p{L}\p{N} -]+$"},
            "description": "What to look for. Each word counts:\n\n- `inn` finds inns\n- `-inn` leaves them out\n\n"
            "See [the guide](https://example.com/guide).",
            "examples": [["inn"], ["inn", "-camping"]],
        },
        "area": {"$ref": "#/$defs/Area"},
        "since": {"type": "string", "format": "date-time", "description": "Only what was seen after this."},
        "share": {"$ref": "#/$defs/Share", "default": 0.5},
        "sort": {"enum": ["distance", "name", "rating", None], "default": "distance"},
        "window": {
            "type": "object",
            "description": "The part of the result that is wanted.",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 5},
                "page": {
                    "type": "object",
                    "properties": {
                        "number": {"type": "integer", "minimum": 0, "default": 0},
                        LONG: {"type": "boolean"},
                    },
                },
            },
        },
        "tags": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 20},
            "maxProperties": 16,
            "additionalProperties": {"type": ["string", "number", "null"]},
        },
        "point": {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "items": False},
        "series": {
            "type": "array",
            "contains": {"type": "integer", "minimum": 10},
            "minContains": 2,
            "maxContains": 4,
            "items": {"type": "integer"},
        },
        "legs": {
            "type": "array",
            "items": {"type": "object", "properties": {"to": {"$ref": "#/$defs/Place"}, "by": {"const": "train"}}},
        },
        "mode": {"not": {"enum": ["slow", "slower"]}, "type": "string", "deprecated": True},
        "secret": {"type": "string", "writeOnly": True, "contentEncoding": "base64"},
        "anything": True,
        "nothing": False,
    },
}

RULES: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["card", "cash"]},
        "number": {"type": "string", "pattern": "^[0-9]{12,19}$"},
        "cents": {"type": "integer", "minimum": 1},
    },
    "patternProperties": {"^x-": {"type": "string", "maxLength": 100}},
    "unevaluatedProperties": False,
    "if": {"properties": {"kind": {"const": "card"}}, "required": ["kind"]},
    "then": {"required": ["number"]},
    "else": {"properties": {"cents": {"maximum": 100000}}},
    "dependentRequired": {"number": ["cents"], "cents": ["kind"]},
    "dependentSchemas": {
        "number": {"properties": {"holder": {"type": "string", "minLength": 2}}, "required": ["holder"]}
    },
    "allOf": [
        {"$ref": "#/$defs/Place"},
        {"properties": {"note": {"type": "string"}}, "not": {"required": ["anonymous"]}},
    ],
    "anyOf": [{"required": ["number"]}, {"required": ["cents"]}],
}


def bundle(schema: Any, *names: str) -> Any:
    """A schema with the definitions of these names."""
    return {**schema, "$defs": {name: DEFINITIONS[name] for name in names}} if names else schema


def atlas() -> Spec:
    """The spec."""
    everything = tuple(DEFINITIONS)
    messages = (
        Message(
            name="search",
            model="Search",
            origin="client",
            summary="Look for places, and go on until `cancel`",
            description="Streams what it finds, **nearest first**.\n\n1. Say what to look for.\n2. Say where.\n\n"
            "| sort | order |\n|---|---|\n| `name` | by the alphabet |\n\n"
            "> Costs one credit.\n\n```\nsearch → found…\n```",
            payload=AnyShape(),
            schema=bundle(SEARCH, *everything),
            reply="found",
            stream=True,
            timeout=5.0,
            idempotent=True,
            examples=(
                {"words": ["inn"], "area": {"shape": "circle", "radius": 2.5}},
                {"words": ["Köln", "Straße"], "area": None, "window": {"size": 10, "page": {"number": 2}},
                 "sort": "name", "tags": {"stars": 4},
                 "anything": [True, False, None, -1.5e-7, "it's <b>quoted</b> \"twice\" \u202e"]},
            ),
        ),
        Message(
            name="found",
            model="Found",
            origin="handler",
            summary="A place that was found",
            payload=AnyShape(),
            schema={"$ref": "#/$defs/Place", "$defs": {"Place": PLACE}},
        ),
        Message(
            name="pay", model="Pay", origin="client", payload=AnyShape(), schema=bundle(RULES, "Place"), reply=LONG
        ),
        Message(
            name=LONG, model="Long", origin="handler", payload=AnyShape(), schema={"type": "integer", "minimum": 1}
        ),
        Message(name="cancel", model="Cancel", origin="client", deprecated=True, scopes=("maps:write",)),
        Message(
            name="cursor:moved",
            model="CursorMoved",
            origin="both",
            summary="Somebody points at something",
            payload=AnyShape(),
            schema={"type": "object", "required": ["at"], "properties": {"at": {"type": "integer", "minimum": 3}}},
        ),
    )  # fmt: skip
    maps = Route(
        name="maps",
        module="maps",
        path="/ws/maps/{region}/{rest...}",
        aliases=("/maps/{region}/{rest...}", f"/legacy/{LONG}/{{region}}/{{rest...}}"),
        parameters=(
            Parameter(name="region", shape=IntegerShape(minimum=1)),
            Parameter(name="rest", shape=StringShape(), tail=True),
        ),
        summary="Maps of every region",
        description="Search them, draw on them, and see where others point.",
        capabilities=("maps", "search", "cursors"),
        handler="backend.maps",
        messages=messages,
        timeout=10.0,
        rate_limit=RateLimit(rate=0.5, burst=3, per="address"),
        limits=Limits(connections=5000),
        auth=(
            Jwt(algorithms=("RS256",), jwks=("never to be shown",), scopes=("maps",)),
            ApiKey(sources=("header", "query"), keys_env="NEVER_TO_BE_SHOWN"),
            Ticket(sources=("message",)),
            Plugin(),
        ),
        topics=(
            Topic(
                name="cursors.{user}.{device}",
                messages=("cursor:moved",),
                authorize=Authorize(scopes=("cursors:read",), parameters={"user": "principal.claims.team"}),
                presence=True,
                publish="clients",
            ),
            Topic(name=f"found.{LONG}", retain=True),
        ),
        middleware=(Middleware(name="api_key", settings={"keys": [{"sha256": "never to be shown"}]}),),
        document={
            "timeout": "10s",
            "rateLimit": {"rate": "30/m", "burst": 3, "per": "address"},
            "parameters": {"region": {"type": "integer", "minimum": 1, "description": "Number of the region."}},
        },
    )
    return Spec(
        file="websocket-routes.json",
        digest="5" * 64,
        title="Atlas",
        version="2.1.0-beta.4",
        description="Maps for everyone. See the [guide](https://example.com) for *keys*.",
        routes=(
            maps,
            Route(
                name="audio",
                module="audio",
                path="/ws/audio",
                handler="a",
                framing="raw",
                rate_limit=None,
                slow_consumer=None,
            ),
            Route(name="open", module="open", path="/ws/open", handler="b", open=True, summary="Anything goes"),
        ),
    )
