"""A grid of cells laid over an image."""

import numpy as np
from numpy.typing import NDArray


def shares(mask: NDArray[np.bool_], columns: int, rows: int) -> NDArray[np.float64]:
    """How much of each cell is true.

    Args:
        mask: height by width.

    Returns:
        rows by columns, from 0 to 1. Cells differ in size by at most a pixel; where there are more cells than pixels,
        some hold none, and their share is 0.
    """
    height, width = mask.shape
    across = np.linspace(0, width, columns + 1).astype(int)
    down = np.linspace(0, height, rows + 1).astype(int)
    found = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            cell = mask[down[row] : down[row + 1], across[column] : across[column + 1]]
            if cell.size:
                found[row, column] = np.count_nonzero(cell) / cell.size
    return found
