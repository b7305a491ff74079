"""What has been said to whom, so that it is said once. It knows nothing of Discord, and forgets with the process."""

from collections import OrderedDict
from collections.abc import Hashable

_MOST = 10_000


class Once:
    """The keys added last, at most `most` of them. For one thread."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._seen: OrderedDict[Hashable, None] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._seen

    def add(self, key: Hashable) -> None:
        """Remembers this key, and forgets the one that was added longest ago if they are too many."""
        self._seen[key] = None
        self._seen.move_to_end(key)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
