"""The files of a spec: the spec itself, and those below its folder that a ``$ref`` leads to."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from routewright.spec.document import Document, read
from routewright.spec.node import Finding, Node
from routewright.spec.pointer import child, lookup, tokens
from routewright.spec.quoting import quoted
from routewright.spec.resources import Resources, joined, resources


class ReferenceProblem(Exception):
    """A ``$ref`` leads nowhere. ``forbidden``: it leads where no spec may read."""

    def __init__(self, message: str, hint: str = "", *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.forbidden = forbidden


class Library:
    """Every file is read once."""

    def __init__(self, path: Path) -> None:
        self.spec = read(path)
        self.folder = self.spec.path.parent
        self.documents: dict[Path, Document] = {self.spec.path: self.spec}
        self._shown = path.parent
        self._identifying: dict[Path, bool] = {}
        self._known: dict[tuple[Path, str], Resources] = {}

    def target(self, node: Node, reference: str) -> Node:
        """What a ``$ref`` in ``node`` leads to.

        Raises:
            ReferenceProblem: nothing, or nothing that a spec may read.
        """
        address, _, fragment = reference.partition("#")
        pointer = unquote(fragment)
        root = self.root(node)
        found = self._identified(root, node, address, pointer)
        if found is not None:
            return found
        document = self._open(node.document, address) if address else node.document
        if pointer and not pointer.startswith("/"):
            within = root if document is node.document else Node(document, "", document.value)
            return self._anchored(self._resources(within), within.pointer, pointer, document)
        bases = [root.pointer, ""] if document is node.document else [""]
        for base in dict.fromkeys(bases):
            try:
                value = lookup(document.value, base + pointer)
            except LookupError:
                continue
            found = Node(document, base + pointer, value)
            if document is self.spec and self.root(found).pointer == "":
                raise ReferenceProblem("it leads to something that is no schema", "move it to components.schemas")
            return found
        known = [f"#/components/schemas/{name}" for name in self._schemas()] if document is self.spec else []
        raise ReferenceProblem(
            f"nothing stands at {quoted(pointer)} in {document.name}", _similar(f"#{pointer}", known)
        )

    def root(self, node: Node) -> Node:
        """The schema that a schema stands in: what ``#`` means there. In the spec itself it is the payload, parameter
        or component that the node is part of; anywhere else the file."""
        if node.document is not self.spec:
            return Node(node.document, "", node.document.value)
        parts = tokens(node.pointer)
        length = 0
        if parts[:2] == ["components", "schemas"]:
            length = 3
        elif parts[:1] == ["routes"] and parts[2:3] == ["parameters"]:
            length = 4
        elif parts[:1] == ["routes"] and parts[2:3] == ["messages"] and parts[4:5] == ["payload"]:
            length = 5
        pointer = ""
        if len(parts) >= length:
            for part in parts[:length]:
                pointer = child(pointer, part)
        return Node(node.document, pointer, lookup(node.document.value, pointer))

    def _identified(self, root: Node, node: Node, address: str, pointer: str) -> Node | None:
        """What a reference leads to where schemas have an ``$id``, if that is one of these."""
        if not self._has_identifiers(node.document):
            return None
        resources = self._resources(root)
        base = resources.base(node.pointer)
        wanted = joined(base, address) if address else base
        shared = Node(self.spec, "", self.spec.value).get("components", "schemas")
        others = [each for _, each in shared.members()] if shared is not None and address else []
        for each in (resources, *map(self._resources, others)):
            if wanted in each.roots and (address or base):
                resource = each.roots[wanted]
                if pointer and not pointer.startswith("/"):
                    return self._anchored(each, resource.pointer, pointer, resource.document)
                try:
                    return Node(resource.document, resource.pointer + pointer, lookup(resource.value, pointer))
                except LookupError:
                    raise ReferenceProblem(f"nothing stands at {quoted(pointer)} in {quoted(wanted)}") from None
        return None

    def _has_identifiers(self, document: Document) -> bool:
        """Whether a file may have a key ``$id``; nearly none has, and then nobody has to look for it again."""
        if document.path not in self._identifying:
            self._identifying[document.path] = any(each in document.text for each in ('"$id"', "\\u00"))
        return self._identifying[document.path]

    def _resources(self, root: Node) -> Resources:
        place = (root.document.path, root.pointer)
        if place not in self._known:
            self._known[place] = resources(root)
        return self._known[place]

    def _anchored(self, known: Resources, resource: str, name: str, document: Document) -> Node:
        found = known.anchors.get((known.base(resource), name))
        if found is not None:
            return found
        hint = _similar(name, [each for _, each in known.anchors])
        hint = hint or f'write "$anchor": {quoted(name)} into the schema meant'
        raise ReferenceProblem(f"no schema in {document.name} has the anchor {quoted(name)}", hint)

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """What is wrong with the files themselves, with its code; a ``$ref`` to a file without text has said so."""
        for document in self.documents.values():
            for fault in document.faults if document.text or document is self.spec else ():
                place = Finding(document, fault.offset, fault.pointer, fault.message, fault.hint)
                yield fault.code, place

    def _schemas(self) -> list[str]:
        components = Node(self.spec, "", self.spec.value).get("components", "schemas")
        return [name for name, _ in components.members()] if components is not None else []

    def _open(self, source: Document, address: str) -> Document:
        try:
            scheme = urlsplit(address).scheme
        except ValueError as error:
            raise ReferenceProblem(f"{quoted(address)} is no address: {error}") from None
        if scheme or address.startswith("//"):
            hint = "save the schema as a file below the spec's folder"
            raise ReferenceProblem("a $ref reads files only, nothing from the network", hint, forbidden=True)
        name = unquote(address)
        if "\\" in name or not name.isprintable():
            raise ReferenceProblem(f"{quoted(name)} is no file name", "write it with / and without control characters")
        path = Path(os.path.realpath(source.path.parent / name))
        if not path.is_relative_to(self.folder):
            hint = "copy the file below that folder"
            raise ReferenceProblem("it leaves the spec's folder", hint, forbidden=True)
        if path not in self.documents:
            self.documents[path] = read(self._shown / path.relative_to(self.folder))
        document = self.documents[path]
        if not document.text:
            raise ReferenceProblem(f"{document.name}: {document.faults[-1].message}")
        if not document.whole:
            raise ReferenceProblem(f"{document.name} is no JSON: {document.faults[-1].message}")
        return document


def _similar(name: str, known: list[str]) -> str:
    from routewright.spec.nearest import nearest

    found = nearest(name, known)
    return f'did you mean "{found}"?' if found else ""
