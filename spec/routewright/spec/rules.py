"""Every rule of the language.

Strategy: a table. What is found while a spec is read and compiled comes with its code; for the other rules a function
looks at the draft.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from routewright.spec import (
    allowing,
    balancing,
    caching,
    credentials,
    guards,
    idle,
    messages,
    overlaps,
    routes,
    schemas,
    secrets,
    settings,
    topics,
    upstreams,
)
from routewright.spec.draft import Draft
from routewright.spec.node import Finding
from routewright.spec.problem import Problem, Severity


class Rule(NamedTuple):
    """``purpose`` says in one line what the rule keeps from happening; ``check`` finds every place where it does."""

    code: str
    purpose: str
    check: Callable[[Draft], Iterable[Finding]]
    severity: Severity = "error"


def _noted(code: str, purpose: str) -> Rule:
    """A rule whose findings were noted while the spec was read and compiled."""

    def check(draft: Draft) -> Iterator[Finding]:
        return (finding for noted, finding in draft.found if noted == code)

    return Rule(code, purpose, check)


def _warning(code: str, purpose: str, check: Callable[[Draft], Iterable[Finding]]) -> Rule:
    return Rule(code, purpose, check, "warning")


def _none(draft: Draft) -> Iterator[Finding]:
    """What is found elsewhere: by `problems` in the end, or by `routewright.spec.overrun`."""
    return iter(())


RULES: tuple[Rule, ...] = (
    _noted("RW001", "The file can be read and is not empty."),
    _noted("RW002", "The file is UTF-8 without a byte order mark."),
    _noted("RW003", "The file is JSON."),
    _noted("RW004", "No key stands twice in one object."),
    _noted("RW005", "Nothing is nested too deeply."),
    _noted("RW006", "Every number and string can be represented."),
    _noted("RW101", "Every key is known."),
    _noted("RW102", "No key is missing."),
    _noted("RW103", "Every value has the type and form that its key wants."),
    _noted("RW104", "Every number is in the range that its key wants."),
    Rule("RW105", "Every duration, size and rate is in range.", settings.in_range),
    Rule("RW107", "Every allowance lists codes and gives a reason.", allowing.malformed),
    Rule("RW108", "Every allowance names warnings.", lambda draft: allowing.unfit(draft, SEVERITIES)),
    _warning("RW151", "Every allowance silences something.", _none),
    _warning("RW152", "No key, token or password stands in the spec.", secrets.none_written),
    _noted("RW201", "Every path is a path template."),
    Rule("RW202", "No two routes, aliases or patterns claim one path.", routes.one_claim),
    Rule("RW203", "The gateway's own paths stay free.", routes.reserved_path),
    Rule("RW204", "A route's name makes a safe module name.", routes.safe_name),
    Rule("RW205", "No two routes have one name.", routes.unique_name),
    Rule("RW206", "Exactly one thing answers a route.", routes.one_source),
    Rule("RW207", "A pythonModule is a dotted module name.", routes.module_name),
    Rule("RW208", "A worker's name is safe and its own.", routes.worker_name),
    Rule("RW209", "Every parameter has its placeholder and is a scalar.", routes.parameters),
    Rule("RW210", "An alias has its route's parameters.", routes.alias_parameters),
    Rule("RW211", "Every capability is a name and stands once.", routes.capabilities),
    Rule("RW212", "A raw route declares no messages.", routes.raw_framing),
    Rule("RW213", "Every plugin has a name and stands once.", routes.middleware),
    Rule("RW214", "Every way of auth has the keys of its kind, and no others.", credentials.own_keys),
    Rule("RW215", "Every algorithm is safe and fits its key.", credentials.safe_algorithms),
    Rule("RW216", "Public keys come from their issuer.", credentials.key_addresses),
    Rule("RW217", "Scopes are asked of clients that are known.", credentials.asked_scopes),
    Rule("RW218", "Every ticket can be got.", credentials.minted_tickets),
    Rule("RW219", "A first frame with a credential can be read.", credentials.first_frames),
    Rule("RW220", "What is conflated are events, by a key of theirs.", routes.conflation),
    Rule("RW221", "Every upstream is a WebSocket URL.", upstreams.urls),
    Rule("RW222", "A proxy asks for nothing that takes a handler.", upstreams.untouched),
    Rule("RW223", "Every header that a proxy passes on is the client's.", upstreams.headers),
    Rule("RW224", "Sessions are kept where messages have numbers and ids.", routes.raw_sessions),
    Rule("RW225", "Whoever is to ask for batches can.", idle.batches),
    Rule("RW226", "A way by plugin has a plugin.", credentials.asking_plugins),
    _warning("RW251", "Every route limits the rate of its clients.", guards.rate_limited),
    _warning("RW252", "Every route that anybody can reach asks who connects.", guards.known_clients),
    _warning("RW253", "One connection never has very much under way.", guards.under_way),
    _warning("RW254", "Every route gives up clients that do not read.", guards.slow_clients),
    _warning("RW255", "Every listed value of a parameter gets to its route.", overlaps.listed_values),
    _warning("RW256", "Where clients are told apart by principal, principals are known.", guards.principals),
    _warning("RW257", "No two routes have paths that look alike.", overlaps.alike_paths),
    _warning("RW258", "Something can travel on every route.", overlaps.something_travels),
    _warning("RW259", "The routes of a module agree on its workers.", overlaps.one_count),
    _warning("RW260", "A route's connections fit into its gateway's.", guards.reachable_limit),
    _warning("RW261", "No lasting credential stands in a URL.", credentials.lasting_queries),
    _warning("RW262", "A token is for this service.", credentials.own_tokens),
    _warning("RW264", "Whoever chooses among workers has several.", balancing.a_choice),
    _warning("RW265", "A key to balance by is used.", idle.balance_keys),
    _warning("RW266", "A credential is looked for where its place is named.", idle.places),
    _warning("RW267", "Every circuit breaker has what opens it.", idle.triggers),
    Rule("RW301", "A message's name is free and makes a safe class name.", messages.safe_name),
    Rule("RW302", "No two messages of a route make one class.", messages.unique_model),
    Rule("RW303", "Every reply is declared.", messages.declared_reply),
    Rule("RW304", "Every reply is sent by handlers.", messages.sent_reply),
    Rule("RW305", "Keys of requests stand at what clients send.", messages.request_keys),
    Rule("RW306", "Examples have a payload to be checked against.", messages.example_payload),
    Rule("RW307", "A component's name makes a safe class name of its own.", messages.component_name),
    Rule("RW308", "Only replies that come whole are cached.", caching.whole_reply),
    _warning("RW351", "Whatever clients send has a bound of its own.", schemas.bounded),
    _warning("RW352", "No timeout outlasts a connection without traffic.", messages.no_silence),
    _warning("RW353", "No reply is deprecated before its request.", messages.current_reply),
    _warning("RW354", "Only what is idempotent is cached.", caching.repeatable),
    _warning("RW355", "Where there are retries, something may be repeated.", messages.repeatable_retry),
    _warning("RW356", "No client is served with what another one was answered.", caching.own_replies),
    _warning("RW357", "Every request has what it is spread by.", balancing.declared_key),
    _warning("RW358", "Events have the key that they are conflated by.", idle.conflation_keys),
    _warning("RW359", "Where there is a cache, something can be kept.", idle.caches),
    _noted("RW401", "Every keyword of a payload schema is enforced."),
    _noted("RW402", "Every keyword of a payload schema has a fitting value."),
    _noted("RW403", "Every $ref leads to a schema."),
    _noted("RW404", "No $ref leaves the spec's folder."),
    _noted("RW406", "The bounds of a schema leave something."),
    _noted("RW407", "Every pattern is safe and means the same everywhere."),
    _noted("RW408", "Defaults and examples fit their schemas."),
    _noted("RW409", "Recursion takes a step into the value."),
    _warning("RW451", "Every schema of the components is used.", schemas.used_components),
    _warning("RW452", "Every schema of a $defs is used.", schemas.used_definitions),
    _warning("RW453", "Nothing that is deprecated is required.", schemas.required_no_more),
    _warning("RW454", "Every number is exact in JavaScript.", schemas.exact_numbers),
    _warning("RW455", "Every schema says which type it speaks of.", schemas.said_types),
    Rule("RW501", "A public admin listener has a token.", settings.admin_token),
    Rule("RW502", "The listeners have ports of their own.", settings.two_ports),
    Rule("RW503", "A bridge over TCP has CURVE keys.", settings.curve_keys),
    Rule("RW504", "Every allowed origin is one.", settings.origins),
    Rule("RW505", "Every trusted proxy is an address or a network.", settings.proxies),
    _warning("RW551", "A stop waits for the longest request.", settings.long_enough_drain),
    _warning("RW552", "Every allowed origin allows another one.", settings.plain_origins),
    _warning("RW553", "Only proxies are trusted as proxies.", settings.few_proxies),
    _warning("RW554", "What travels in public is encrypted.", settings.encrypted),
    _warning("RW555", "No client address can take all connections.", settings.room_for_others),
    Rule("RW601", "With --budget: what the spec can take stays within it.", _none),
    Rule("RW701", "Every topic is a name or a template of names.", topics.templates),
    Rule("RW702", "No two topics claim one name.", topics.one_claim),
    Rule("RW703", "What is published on a topic is sent by handlers.", topics.declared_messages),
    Rule("RW704", "What a placeholder must equal exists.", topics.authorized_parameters),
    _warning("RW751", "Somebody may subscribe to every topic.", topics.known_subscribers),
    _warning("RW752", "Something can be published on every topic.", topics.publishable),
)

SEVERITIES: dict[str, Severity] = {rule.code: rule.severity for rule in RULES}
"""Every code, and how bad its problems are."""


def problems(draft: Draft) -> tuple[Problem, ...]:
    """Everything that is wrong with a spec, by place; that of the spec itself before that of other files."""
    applied = RULES if draft.whole else [rule for rule in RULES if rule.code < "RW1"]
    errors, warnings = list[tuple[str, Finding]](), list[tuple[str, Finding]]()
    for rule in applied:
        found = errors if rule.severity == "error" else warnings
        found += [(rule.code, finding) for finding in rule.check(draft)]
    loud, idle = allowing.quieten(draft, warnings, SEVERITIES)
    if not errors:
        loud += [(allowing.IDLE, finding) for finding in idle]
    listed = {_problem(code, finding) for code, finding in errors + loud}
    return tuple(sorted(listed, key=lambda problem: (problem.path != draft.library.spec.name, problem)))


def _problem(code: str, finding: Finding) -> Problem:
    line, column = finding.document.line_column(finding.offset)
    return Problem(
        path=finding.document.name,
        line=line,
        column=column,
        code=code,
        severity=SEVERITIES[code],
        message=finding.message,
        hint=finding.hint,
        pointer=finding.pointer,
    )
