"""Where things stand on the pages: file names and anchors.

Strategy: what is no letter, digit, ``-``, ``_`` or ``.`` becomes ``~`` and its code, so that different names have
different anchors and none of them needs escaping anywhere.
"""

import re

from routewright.spec.model import Route

_OTHER = re.compile(r"[^A-Za-z0-9_.-]")


def anchor(kind: str, name: str) -> str:
    """The ``id`` of the part of a page that describes ``name``."""
    return f"{kind}-" + _OTHER.sub(lambda found: f"~{ord(found[0]):x}", name)


def page(route: Route) -> str:
    """The path of a route's page below the folder of the reference."""
    return f"routes/{anchor('', route.module)[1:]}.html"
