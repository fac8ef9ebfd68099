"""What checking a spec gives."""

from dataclasses import dataclass, field

from routewright.spec.model import Spec
from routewright.spec.problem import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """``spec`` is ``None`` where any problem is an error. ``problems`` are sorted by place, those of the spec itself
    before those of other files. ``source`` is the text of each file that was read, by the name problems show."""

    spec: Spec | None
    problems: tuple[Problem, ...] = ()
    source: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the spec from being compiled."""
        return tuple(each for each in self.problems if each.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(each for each in self.problems if each.severity == "warning")
