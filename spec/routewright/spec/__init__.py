"""The language of route specs: what one may say, and every way it can be wrong.

Strategy: a spec is read (`document`), its form is checked against the JSON Schema (`form`), its payload schemas become
shapes (`payload`), a table of rules looks at the meaning (`rules`), and a spec without problems is resolved to the
frozen `Spec` (`resolve`). All problems are found in one run, each with its place.
"""

from routewright.spec.checked import Checked
from routewright.spec.checking import check
from routewright.spec.language import schema
from routewright.spec.problem import Problem
from routewright.spec.report import report_github, report_json, report_text

__all__ = ["Checked", "Problem", "check", "report_github", "report_json", "report_text", "schema"]
