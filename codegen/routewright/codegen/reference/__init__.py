"""A static reference of a spec: pages of HTML for those who write clients.

Strategy: `reference` is pure and deterministic like `routewright.codegen.render`: a spec -> {path: text}. Python finds
the words, templates lay them out with autoescape on, and a Content-Security-Policy lets nothing run or load but the
page's own style and script. A page stands on its own: no network, and no script needed to read it.
"""

from routewright.codegen.reference.pages import GENERATOR, Code, reference

__all__ = ["GENERATOR", "Code", "reference"]
