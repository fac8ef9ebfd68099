"""What the schemas below a schema are called: ``$id`` and ``$anchor``.

Strategy: as in JSON Schema, an ``$id`` is taken relative to that of the schemas around it, and what has one is a
resource of its own: what ``#`` means in there, and where anchors are looked for.
"""

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from routewright.spec.keywords import subschemas
from routewright.spec.node import Node
from routewright.spec.pointer import parent


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources in a schema.

    Attributes:
        roots: the schemas with an ``$id``, and the whole schema, by their absolute identifiers; ``""`` for none.
        bases: those identifiers, by pointer.
        anchors: schemas by the identifier of their resource and their anchor.
    """

    roots: dict[str, Node]
    bases: dict[str, str]
    anchors: dict[tuple[str, str], Node]

    def base(self, pointer: str) -> str:
        """The identifier of the resource that a place is part of."""
        while pointer and pointer not in self.bases:
            pointer = parent(pointer)
        return self.bases.get(pointer, "")


def joined(base: str, reference: str) -> str:
    """A reference as seen from an identifier; as it stands where it is no address."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def is_identifier(text: str) -> bool:
    """Whether an ``$id`` may be this: an address without a fragment."""
    try:
        return not urlsplit(text).fragment
    except ValueError:
        return False


def resources(root: Node) -> Resources:
    """The resources in a schema; of two with one name the first counts."""
    found = Resources({}, {}, {})
    ahead = [(root, "")]
    while ahead:
        node, base = ahead.pop()
        if not isinstance(node.value, dict):
            continue
        identifier = node.text("$id")
        if identifier is not None or node is root:
            base = joined(base, identifier or "").removesuffix("#")
            found.roots.setdefault(base, node)
            found.bases[node.pointer] = base
        anchor = node.text("$anchor")
        if anchor is not None:
            found.anchors.setdefault((base, anchor), node)
        below = []
        for steps, _ in subschemas(node.value):
            inner = node
            for step in steps:
                inner = inner.below(step)
            below.append((inner, base))
        ahead += reversed(below)
    return found
