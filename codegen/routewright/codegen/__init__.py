"""The compiler: a valid spec -> the text of every generated file -> files.

Strategy: `render` is pure and deterministic, and whoever publishes, compares or merely checks shares it.
"""

from routewright.codegen.emitters import Emitter, templates
from routewright.codegen.errors import PublishError, RenderError
from routewright.codegen.publishing import Difference, Published, compare, publish
from routewright.codegen.rendering import render

__all__ = [
    "Difference",
    "Emitter",
    "PublishError",
    "Published",
    "RenderError",
    "compare",
    "publish",
    "render",
    "templates",
]
