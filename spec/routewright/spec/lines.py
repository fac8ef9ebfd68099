"""Lines and columns of a text."""

import bisect
import re


class Lines:
    """Where the lines of a text begin; only ``\\n`` ends a line, so that every editor counts the same."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1, columns in code points."""
        line = bisect.bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1
