"""`loopback_bot`, in whose process pauses are short, so that a long outage can be lived through in a test.

    python loopback_hurried_bot.py '{"times": 20, "heartbeat_timeout": 2}' FOLDER OPTIONS

Whatever sleeps on the event loop, its back-off after a lost connection above all, sleeps `times` as short as it means
to; what it says in the log is what it means. A gateway that does not answer is given up after `heartbeat_timeout`
seconds, in place of discord.py's sixty.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import loopback_bot

from cogs import client


def hurry(times: float = 1.0, heartbeat_timeout: float = 60.0) -> None:
    sleep, begin = asyncio.sleep, client.commands.AutoShardedBot.__init__

    async def shorter(delay: float, result: Any = None) -> Any:
        return await sleep(delay / times, result)

    def made(self: Any, *args: Any, **options: Any) -> None:
        begin(self, *args, heartbeat_timeout=heartbeat_timeout, **options)

    asyncio.sleep = shorter  # type: ignore[assignment]
    client.commands.AutoShardedBot.__init__ = made  # type: ignore[method-assign]


if __name__ == "__main__":
    hurry(**json.loads(sys.argv[1]))
    sys.exit(loopback_bot.main(Path(sys.argv[2]), **json.loads(sys.argv[3])))
