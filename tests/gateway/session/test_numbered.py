"""The number that is put into a frame."""

import json

import pytest

from routewright.gateway.session.reliable import numbered


@pytest.mark.parametrize("space", [b"", b" ", b"\r\n\t "])
def test_a_frame_gets_its_number_whatever_stands_before_its_brace(space: bytes) -> None:
    frame = json.loads(numbered(7, space + b'{"type":"told","payload":{"a":1}}'))
    assert frame == {"seq": 7, "type": "told", "payload": {"a": 1}}
