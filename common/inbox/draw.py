"""Random numbers that are the same everywhere and for ever: a hash of (seed, stream, index), in integers only.

Any number can be had without those before it, so files are made side by side and in blocks, whatever the order.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]


class Draw:
    """All streams of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def below(self, n: int, stream: str, index: Whole | range) -> Whole:
        """For each index a number from 0 to n - 1. Streams of other names are independent."""
        key = np.uint64(int.from_bytes(sha256(f"{self._seed}:{stream}".encode()).digest()[:8], "big"))
        z = np.asarray(index, dtype=np.int64).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # splitmix64
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((z ^ (z >> np.uint64(31))) % np.uint64(n)).astype(np.int64)

    def low(self, n: int, stream: str, index: Whole | range) -> Whole:
        """The same, lower numbers being likelier: the lesser of two."""
        return np.minimum(self.below(n, stream, index), self.below(n, f"{stream} again", index))
