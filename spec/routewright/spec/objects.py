"""Objects of payload schemas: classes where their properties are named, dicts where they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routewright.spec.keywords import is_model
from routewright.spec.model import AnyShape, MapShape, ObjectShape, Property, Shape
from routewright.spec.nearest import nearest
from routewright.spec.node import Node
from routewright.spec.quoting import quoted, type_name
from routewright.spec.scalars import VALUE, Reader

if TYPE_CHECKING:
    from routewright.spec.payload import Payloads

KEYWORD = "RW401"


def object_(payloads: Payloads, node: Node) -> Shape:
    """The shape of a schema whose type is ``object``."""
    value = node.value
    reader = Reader(node)
    least, most = reader.counts("minProperties", "maxProperties")
    payloads.found += reader.found
    required = _required(payloads, node)
    properties = [property_(payloads, name, each, name in required) for name, each in _properties(payloads, node)]
    further = node.get("additionalProperties")
    values = payloads.shape(further) if further is not None and not isinstance(further.value, bool) else AnyShape()
    if is_model(value):
        payloads.exact = payloads.exact and least is None and most is None
        known = {each.name for each in properties}
        # what is required without being described may be anything
        properties += [Property(name=name, shape=AnyShape(), required=True) for name in required if name not in known]
        return ObjectShape(properties=tuple(properties), closed=value.get("additionalProperties") is False)
    if properties or required or "patternProperties" in value:
        payloads.exact = False
        values = AnyShape()
    return MapShape(values=values, min_properties=least, max_properties=most)


def property_(payloads: Payloads, name: str, node: Node, required: bool) -> Property:
    """One property of an object."""
    shape = payloads.shape(node, of_property=True)
    default = node.get("default")
    if default is not None and required:
        message = f'"default" of {quoted(name)} has no effect: the property is required'
        payloads.wrong(KEYWORD, default, message, 'take it out of "required", or the default away', key=True)
    if default is None or required:
        return Property(name=name, shape=shape, required=required)
    payloads.sample(default, shape, node)
    return Property(name=name, shape=shape, has_default=True, default=default.value)


def _properties(payloads: Payloads, node: Node) -> list[tuple[str, Node]]:
    properties = node.get("properties")
    if properties is not None and not isinstance(properties.value, dict):
        payloads.wrong(VALUE, properties, f'"properties" must be an object, not {type_name(properties.value)}')
    return list(properties.members()) if properties is not None else []


def _required(payloads: Payloads, node: Node) -> list[str]:
    """The names in ``required``. One that is not described is a mistake where it looks like another that is, or where
    it could not be there."""
    required, properties = node.get("required"), node.get("properties")
    if required is None:
        return []
    if not isinstance(required.value, list):
        payloads.wrong(VALUE, required, f'"required" must be a list, not {type_name(required.value)}')
        return []
    known = properties.value if properties is not None and isinstance(properties.value, dict) else {}
    for at, name in enumerate(required.value):
        if not isinstance(name, str):
            message = f'"required" must hold names, not {type_name(name)}'
            payloads.wrong(VALUE, required.below(at), message)
        elif name not in known:
            closed = node.value.get("additionalProperties") is False and "patternProperties" not in node.value
            found = nearest(name, known)
            if found or closed:
                hint = f'did you mean "{found}"?' if found else 'add it to "properties"'
                message = f'required property {quoted(name)} is not among "properties"'
                payloads.wrong(VALUE, required.below(at), message, hint)
    return list(dict.fromkeys(each for each in required.value if isinstance(each, str)))
