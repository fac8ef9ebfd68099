"""A route spec drafted, once, from an AsyncAPI document: 2.x or 3.x, YAML or JSON.

Strategy: what the document says is carried over as it stands; the compiler itself then judges the draft, and whatever
it refuses is left out and named. So a draft always passes ``check``, and nothing is lost in silence.
"""

from routewright.codegen.importing.drafting import Draft, drafted
from routewright.codegen.importing.reading import ImportProblem

__all__ = ["Draft", "ImportProblem", "drafted"]
