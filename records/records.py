"""What the bot remembers beside the articles: what servers have set, what was shown, judged and told.

One database for all servers. Servers and people are numbers here; it knows nothing of Discord, and of articles only
their ids and places.
"""

from pathlib import Path

from index.database import Database
from records.answers import AnswerRecords
from records.learning import LearningRecords
from records.people import PeopleRecords
from records.preferences import PreferenceRecords
from records.privacy import PrivacyRecords
from records.schema import MIGRATIONS
from records.servers import ServerRecords

FILE = "discord.db"


class Records:
    """The records in a data folder. Every method of theirs may be called from any thread.

    Raises:
        UserError: from everything, what `Database` raises.
    """

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / FILE, create=True, migrations=MIGRATIONS)
        self.preferences = PreferenceRecords(self._database)
        self.servers = ServerRecords(self._database)
        self.answers = AnswerRecords(self._database)
        self.learning = LearningRecords(self._database)
        self.people = PeopleRecords(self._database)
        self.privacy = PrivacyRecords(self._database)

    def problems(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty if it is sound."""
        return self._database.problems()

    def close(self) -> None:
        self._database.close()
