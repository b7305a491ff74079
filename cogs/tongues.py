"""What language whoever used a command or a button has Discord in, as long as the program runs: in direct messages
Discord does not say."""

from collections import OrderedDict

_MOST = 10_000


class Tongues:
    """Person → language, of those who were here last. For one thread."""

    def __init__(self) -> None:
        self._of: OrderedDict[int, str] = OrderedDict()

    def heard(self, person: int, language: str | None) -> None:
        """Notes what somebody speaks; None is a language that there are no words in."""
        if language is None:
            self._of.pop(person, None)
            return
        self._of[person] = language
        self._of.move_to_end(person)
        if len(self._of) > _MOST:
            self._of.popitem(last=False)

    def of(self, person: int) -> str | None:
        """What somebody speaks, if it is known."""
        return self._of.get(person)
