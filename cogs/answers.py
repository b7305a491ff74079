"""Answers as the bot gives them: asked with a server's own settings, and remembered for the buttons below them.

Synchronous and thread-safe; it knows servers and people as numbers and nothing else of Discord.
"""

from dataclasses import dataclass, replace

from cogs.service import Asked, Service
from cogs.settings import Settings
from records.records import Records


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks what. `place` is the server whose articles are asked (`NOWHERE`: none), `guild` the one where the answer
    is shown (None: in direct messages); `private` ones are seen by the `asker` alone. `previous` are the questions
    before, the oldest first. `hits` and `article` (a choice of `Service.askable`) are what the asker wants."""

    question: str
    asker: int
    place: int
    guild: int | None
    private: bool
    previous: tuple[str, ...] = ()
    hits: int | None = None
    article: str | None = None


class Answers:
    """Asks, and remembers what was shown."""

    def __init__(self, service: Service, records: Records, settings: Settings) -> None:
        self._service = service
        self._records = records
        self._settings = settings

    def ask(self, asking: Asking) -> Asked:
        """The answer, with the id of its record.

        Raises:
            Refusal: the article asked for is not there.
        """
        wanted = self._records.preferences.of(asking.place)
        shown = asking.hits or wanted.hits or self._settings.hits
        # What was asked in private must not turn up in a report one day.
        keep_for = None if asking.private else asking.asker
        asked = self._service.ask(
            asking.place,
            asking.question,
            asking.previous,
            top=shown,
            precision=wanted.precision,
            keep_for=keep_for,
        )
        return replace(asked, shown=shown)
