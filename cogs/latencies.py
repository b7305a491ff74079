"""How long the last answers took. In memory, for one thread, and forgotten with the process."""

import math
from collections import deque

_LAST = 100  # answers


class Latencies:
    """The milliseconds of the last answers, at most `last` of them."""

    def __init__(self, last: int = _LAST) -> None:
        self._kept: deque[float] = deque(maxlen=last)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, milliseconds: float) -> None:
        """Remembers how long an answer took, and forgets the oldest if they are too many."""
        self._kept.append(milliseconds)

    def within(self, share: float) -> int:
        """The whole milliseconds within which this share (above 0, at most 1) of the answers came; 0 if there are none.

        Nearest rank: it is what one of them took.
        """
        if not self._kept:
            return 0
        return round(sorted(self._kept)[max(1, math.ceil(share * len(self._kept))) - 1])
