"""Every drill, in the order in which they run."""

from tests.drills import breaker, delivery, limits, origins, resources, shutdown, slow
from tests.drills.drill import DRILLS

__all__ = ["DRILLS", "breaker", "delivery", "limits", "origins", "resources", "shutdown", "slow"]
