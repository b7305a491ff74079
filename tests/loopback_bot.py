"""The product's bot with the deterministic encoder and a web of its own, as a process: starts in a moment.

    python loopback_bot.py FOLDER '{"model": "hash", "dimension": 1024, "every": 3600, "first": 0.2}'

It may fetch from this machine, looks for what is due every fraction of a second from `first` seconds on, at each source
`every` seconds, and keeps questions that found nothing. It keeps house `tidy` seconds after the start and every so many
seconds, and deletes what is kept of servers `grace` seconds after it left them. Failures of the operator's are told in
`log_channel` (an id).
"""

import json
import logging
import os
import sys
from ipaddress import IPv4Network
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conftest import HashEncoder

from cogs import connecting, housekeeping, schedule, vigilance
from cogs.settings import Settings
from index.corpus import Library
from index.web.fetch import Fetcher


def main(
    folder: Path,
    *,
    model: str,
    dimension: int,
    every: float,
    first: float,
    tidy: float = 1e6,
    grace: float = 1e6,
    log_channel: int | None = None,
    watch: float = 1e6,
) -> int:
    logging.basicConfig(level="INFO", stream=sys.stdout, format="%(levelname)s %(message)s")
    schedule._FIRST, schedule._PAUSE, schedule._SOON, schedule._BETWEEN = first, 0.2, 0.2, 0.0
    housekeeping._FIRST = housekeeping._PAUSE = tidy
    vigilance._FIRST = vigilance._PAUSE = watch
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
        grace=grace,
        log_channel=log_channel,
    )
    fetcher = Fetcher(user_agent="test", max_bytes=1_000_000, pause=0.0, allowed_networks=[IPv4Network("127.0.0.0/8")])
    token = os.environ["DISCORD_TOKEN"]
    return connecting.run(token=token, library=library, encoder=encoder, settings=settings, fetcher=fetcher)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), **json.loads(sys.argv[2])))
