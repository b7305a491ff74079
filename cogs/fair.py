"""A queue that is fair: servers take turns, and within a server its people do, however much any of them has brought.

It knows servers and people as numbers, and nothing of threads, Discord or what waits.
"""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """What waits, taken in turns. Who comes anew joins at the end of the round. For one thread at a time."""

    def __init__(self) -> None:
        # The one whose turn it is comes first; nothing empty is kept.
        self._servers: OrderedDict[int, OrderedDict[int, deque[T]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(self.waiting, self._servers))

    def waiting(self, server: int) -> int:
        """How much of this server waits."""
        return sum(map(len, self._servers[server].values())) if server in self._servers else 0

    def put(self, server: int, person: int, item: T) -> None:
        """Adds what a person brings in a server."""
        self._servers.setdefault(server, OrderedDict()).setdefault(person, deque()).append(item)

    def take(self) -> T | None:
        """Takes what is next; None if nothing waits."""
        if not self._servers:
            return None
        server, people = next(iter(self._servers.items()))
        person, items = next(iter(people.items()))
        item = items.popleft()
        people.move_to_end(person)
        self._servers.move_to_end(server)
        self._tidy(server, person)
        return item

    def remove(self, server: int, person: int, item: T) -> bool:
        """Takes something out before its turn; returns whether it still waited."""
        items = self._servers[server].get(person) if server in self._servers else None
        if items is None or item not in items:
            return False
        items.remove(item)
        self._tidy(server, person)
        return True

    def clear(self) -> list[T]:
        """Takes everything, in turns."""
        found = []
        while (item := self.take()) is not None:
            found.append(item)
        return found

    def _tidy(self, server: int, person: int) -> None:
        people = self._servers[server]
        if not people[person]:
            del people[person]
        if not people:
            del self._servers[server]
