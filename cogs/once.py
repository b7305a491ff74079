"""What has been said to whom, so that it is said once. It knows nothing of Discord, and forgets with the process."""

from collections import OrderedDict
from collections.abc import Hashable

_MOST = 10_000


class Once:
    """The keys seen last, at most `most` of them. For one thread."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def first(self, key: Hashable) -> bool:
        """Whether this key is new here, or was seen so long ago that it is forgotten."""
        new = key not in self._seen
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return new
