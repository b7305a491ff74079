"""The product's bot with the deterministic encoder and a web of its own, as a process: starts in a moment.

    python loopback_bot.py FOLDER '{"model": "hash", "dimension": 1024, "every": 3600, "first": 0.2}'

It may fetch from this machine, looks for what is due every fraction of a second from `first` seconds on, at each source
`every` seconds, and keeps questions that found nothing.
"""

import json
import logging
import os
import sys
from ipaddress import IPv4Network
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conftest import HashEncoder

from cogs import client, schedule
from cogs.settings import Settings
from index.corpus import Library
from index.web.fetch import Fetcher


def main(folder: Path, model: str, dimension: int, every: float, first: float) -> int:
    logging.basicConfig(level="INFO", stream=sys.stdout, format="%(levelname)s %(message)s")
    schedule._FIRST, schedule._PAUSE, schedule._SOON, schedule._BETWEEN = first, 0.2, 0.2, 0.0
    encoder = HashEncoder(dimension, model=model)
    library = Library(folder / "data", encoder, previous=lambda stamp: HashEncoder(stamp.dimension, model=stamp.model))
    settings = Settings(
        articles=folder / "articles",
        data=folder / "data",
        hits=3,
        precision=0.8,
        max_bytes=1_000_000,
        max_sentences=10_000,
        manager_roles=frozenset(),
        log_questions=False,
        refresh_every={"page": every, "feed": every, "path": every},
        keep_waiting=True,
    )
    fetcher = Fetcher(user_agent="test", max_bytes=1_000_000, pause=0.0, allowed_networks=[IPv4Network("127.0.0.0/8")])
    token = os.environ["DISCORD_TOKEN"]
    return client.run(token=token, library=library, encoder=encoder, settings=settings, fetcher=fetcher)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), **json.loads(sys.argv[2])))
