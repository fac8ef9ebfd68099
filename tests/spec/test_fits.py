"""Values and shapes: what fits is what JSON Schema says, or more where a check function says the rest."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from routewright.spec import check
from routewright.spec.document import Document
from routewright.spec.fits import misfits
from routewright.spec.node import Node
from tests.spec.schemas import VALUES, specs


@given(spec=specs(), values=st.lists(VALUES, min_size=4, max_size=8))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_fits_a_shape_where_it_is_valid_by_the_schema(
    tmp_path: Path, spec: dict[str, Any], values: list[Any]
) -> None:
    path = tmp_path / "websocket-routes.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    checked = check(path)
    assert {problem.code for problem in checked.errors} <= {"RW409"}
    if checked.spec is None:
        return
    message = checked.spec.routes[0].messages[0]
    assert message.payload is not None
    validator = Draft202012Validator(message.schema)
    for value in values:
        node = Node(Document(path, path.name, ""), "", value)
        found = list(misfits(node, message.payload, checked.spec.components))
        verdict = message.schema, value, [reason for _, reason in found]
        if message.checked:
            assert not found or not validator.is_valid(value), verdict
        else:
            assert (not found) == validator.is_valid(value), verdict
