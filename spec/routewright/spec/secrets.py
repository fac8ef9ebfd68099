"""The rule about secrets: nothing that lets in, decrypts or signs stands in a spec.

Strategy: keys and tokens of a known form are looked for everywhere in every file. Where a spec holds settings
(``gateway``, ``middleware``, ``x-`` keys), a string is a secret by the name of its key, or because it looks random.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from routewright.spec import plain
from routewright.spec.document import Document
from routewright.spec.draft import Draft
from routewright.spec.node import Finding, Node

_KNOWN = re.compile(
    r"(?P<AWS_access_key>\bAKIA[0-9A-Z]{16}\b)"
    r"|(?P<GitHub_token>\b(?:gh[ps]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,}))"
    r"|(?P<GitLab_token>\bglpat-[A-Za-z0-9_-]{20,})"
    r"|(?P<Slack_token>\bxox[abprs]-[A-Za-z0-9-]{20,})"
    r"|(?P<Stripe_key>\b[rs]k_live_[A-Za-z0-9]{20,})"
    r"|(?P<Google_API_key>\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-]))"
    r"|(?P<npm_token>\bnpm_[A-Za-z0-9]{36}\b)"
    r"|(?P<PyPI_token>\bpypi-AgE[A-Za-z0-9_-]{50,})"
    r"|(?P<JWT>\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
    r"|(?P<private_key>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----)"
    r"|(?P<password_in_a_URL>://[^\s/@:\"\\{}$<]{1,100}:[^\s/@\"\\{}$<]{3,100}@)"
)
_MARKS = (
    *("AKIA", "ghp_", "ghs_", "github_pat_", "glpat-", "xox", "k_live_", "AIza", "npm_"),
    *("pypi-AgE", ".eyJ", "PRIVATE KEY-----"),
)
_ADDRESS = re.compile(r"://[^\s/\"]{1,300}@")

_NAME = re.compile(
    r"(?:^|[_.-])(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|private[_-]?key|secret[_-]?key|access[_-]?key"
    r"|credentials?)$"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PUBLIC = re.compile(
    r"sha|md5|hash|digest|checksum|fingerprint|public|uuid|guid|url|path|file|id$|revision|commit|version|etag",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\$|\{\{|%\(|<.*>|\*{3}|x{4}|^$|\.{3}", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z]{1,20}([-_ ][A-Za-z]{1,20})*")
_RANDOM = re.compile(r"[A-Za-z0-9+/_-]{32,200}={0,2}")


def none_written(draft: Draft) -> Iterator[Finding]:
    """A secret stands in a spec."""
    for document in draft.library.documents.values():
        yield from _of_known_form(document)
    for keys, value, named in _settings(draft):
        yield from _of_settings(draft, keys, value, named)


def _of_known_form(document: Document) -> Iterator[Finding]:
    if not any(mark in document.text for mark in _MARKS) and not _ADDRESS.search(document.text):
        return
    ahead: list[Node] = [Node(document, "", document.value)]
    while ahead:
        place = ahead.pop()
        ahead += [member for _, member in place.members()]
        ahead += place.items()
        found = _KNOWN.search(place.value) if isinstance(place.value, str) else None
        if found is not None:
            kind = (found.lastgroup or "").replace("_", " ")
            yield place.finding(f"this looks like a secret ({kind})", _INSTEAD)


_INSTEAD = 'name an environment variable in a key that ends with "Env", and withdraw what was committed'


def _settings(draft: Draft) -> Iterator[tuple[tuple[str | int, ...], Any, str]]:
    """Values that are settings: the way to each, and the name of its key."""
    root = draft.root.value
    if not isinstance(root, dict):
        return
    owners: list[tuple[tuple[str | int, ...], Any]] = [((), root), (("info",), root.get("info"))]
    if isinstance(root.get("gateway"), dict):
        yield ("gateway",), root["gateway"], "gateway"
    owners.append((("defaults",), root.get("defaults")))
    for route in plain.routes(draft):
        owners.append((route.keys, route.value))
        owners += [((*route.keys, "messages", name), message) for name, message in route.messages.items()]
    for keys, owner in owners:
        for key, value in owner.items() if isinstance(owner, dict) else ():
            if key in ("middleware", "auth") or key.startswith("x-"):
                yield (*keys, key), value, key


def _of_settings(draft: Draft, keys: tuple[str | int, ...], value: Any, name: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _of_settings(draft, (*keys, key), member, key)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _of_settings(draft, (*keys, at), item, name)
    elif isinstance(value, str) and not _KNOWN.search(value):
        reason = _why(name, value)
        if reason:
            yield plain.node(draft, *keys).finding(reason, _INSTEAD)


def _why(name: str, value: str) -> str:
    if _PLACEHOLDER.search(value):
        return ""
    if _NAME.search(_HUMP.sub("_", name).lower()) and not _is_word(name, value):
        return f'"{name}" looks like a secret'
    if _RANDOM.fullmatch(value) and not _PUBLIC.search(name) and _entropy(value) > _least(value):
        return f'"{name}" looks like a secret: its value looks random'
    return ""


def _is_word(name: str, value: str) -> bool:
    """Whether a value only names something, as in ``"token": "X-Token"``."""
    return "pass" not in name.lower() and _WORDS.fullmatch(value) is not None


def _entropy(text: str) -> float:
    """Bits a letter, by how often each stands in the text (Shannon)."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _least(text: str) -> float:
    """Bits a letter that only a random text of this alphabet has; words and numbers never do."""
    if not any(map(str.isdigit, text)) or not any(map(str.isalpha, text)):
        return math.inf
    return 3.0 if re.fullmatch(r"[0-9a-fA-F]+", text) else 4.2
