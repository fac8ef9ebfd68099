"""Every drill, in the order in which they run."""

from tests.drills import bombs, breaker, delivery, hostile, limits, origins, resources, secrets, shutdown, slow, tokens
from tests.drills.drill import DRILLS

__all__ = [
    "DRILLS",
    "bombs",
    "breaker",
    "delivery",
    "hostile",
    "limits",
    "origins",
    "resources",
    "secrets",
    "shutdown",
    "slow",
    "tokens",
]
