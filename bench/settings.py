"""What a run was asked to do."""

from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results"
CONNECTIONS = 50
WINDOWS = (1, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``seconds`` and ``warmup`` are of each measurement of one server; ``peers`` empty means all that can be had."""

    rounds: int = 5
    seconds: float = 3.0
    warmup: float = 0.5
    peers: tuple[str, ...] = ()
    quick: bool = False

    def wants(self, name: str) -> bool:
        """Whether the server of that name takes part; the gateway always does."""
        return not self.peers or name in self.peers or name == "gateway"
