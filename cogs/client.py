"""The bot on one connection to Discord: what it is made of, registering commands, finishing.

What its commands do is in the cogs; whatever takes time goes over the bridge. How it comes to be connected, again and
again, is in `connecting`.
"""

import asyncio
import gc
import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import discord
import yarl
from discord.ext import commands

from cogs.answer_buttons import BUTTONS as ANSWER_BUTTONS
from cogs.answer_sharing import BUTTONS as SHARING_BUTTONS
from cogs.articles import ArticlesCog
from cogs.ask import AskCog
from cogs.asking import Asker
from cogs.backstage import Backstage
from cogs.bridge import Lane
from cogs.buttons import BUTTONS as COMMON_BUTTONS
from cogs.choosing import BUTTONS as CHOOSING_ITEMS
from cogs.departures import DeparturesCog
from cogs.direct import Direct
from cogs.errors import Tree
from cogs.export import ExportCog
from cogs.feeds import FeedsCog, SourcesCog
from cogs.gaps import BUTTONS as GAPS_BUTTONS
from cogs.gaps import GapsCog
from cogs.guide import GuideCog
from cogs.hearing import HearingCog
from cogs.messages import MessagesCog
from cogs.notices import Notices
from cogs.preferences import BUTTONS as SETTINGS_ITEMS
from cogs.preferences import PreferencesCog
from cogs.privacy import BUTTONS as PRIVACY_BUTTONS
from cogs.privacy import PrivacyCog
from cogs.refusal import Refusal
from cogs.reindex import ReindexCog
from cogs.removing import BUTTONS as REMOVING_BUTTONS
from cogs.speech import language_of
from cogs.status import StatusCog
from cogs.translator import Translator
from cogs.trouble import Brake
from cogs.turning import BUTTONS as TURNING_BUTTONS
from cogs.vigilance import tell_of
from cogs.whereabouts import Memory, Whereabouts
from index.errors import UserError
from records.preferences import Preferences

log = logging.getLogger(__name__)

_CONNECTIONS = 5  # of each shard within a minute, without a pause
_LAUNCHES = 5  # attempts of a shard to connect, five seconds apart, until all begins anew
# Seconds to finish in: of the eight that `connecting` allows for stopping, the bridge takes up to four.
_LAST_WORDS = 1.5  # for work already done to say so
_GOODBYE = 1.5  # for the connection to close

Connect = Callable[..., Awaitable[aiohttp.ClientWebSocketResponse]]


_COGS: Sequence[Callable[["VerbatimBot"], commands.Cog]] = (
    AskCog,
    HearingCog,
    ArticlesCog,
    SourcesCog,
    FeedsCog,
    MessagesCog,
    ReindexCog,
    ExportCog,
    PreferencesCog,
    StatusCog,
    GapsCog,
    PrivacyCog,
    GuideCog,
    DeparturesCog,
)
_ITEMS: Sequence[Sequence[type[discord.ui.DynamicItem[Any]]]] = (
    ANSWER_BUTTONS,
    SHARING_BUTTONS,
    CHOOSING_ITEMS,
    COMMON_BUTTONS,
    TURNING_BUTTONS,
    REMOVING_BUTTONS,
    SETTINGS_ITEMS,
    PRIVACY_BUTTONS,
    GAPS_BUTTONS,
)


class VerbatimBot(commands.AutoShardedBot):
    """One connection to Discord, from login to close; an attempt that fails is followed by another bot."""

    def __init__(self, backstage: Backstage) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents.default(),
            allowed_mentions=discord.AllowedMentions.none(),
            # Past messages are fetched when a follow-up needs them, and nothing looks at who is in a server.
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            # A limit that lasts longer is an error to be told, not something to sleep through.
            max_ratelimit_timeout=300.0,
        )
        self.settings = backstage.settings
        self.service = backstage.service
        self.records = backstage.records
        self.tongues = backstage.tongues
        self.answers = backstage.answers
        self.additions = backstage.additions
        self.sources = backstage.sources
        self.catalogue = backstage.catalogue
        self.bridge = backstage.bridge
        self.asker = Asker(self)
        self.direct = Direct(self)
        self.schedule = backstage.schedule
        self.housekeeping = backstage.housekeeping
        self.overview = backstage.overview
        self.failures = backstage.failures
        self.personal = backstage.personal
        self.answer_times = backstage.answer_times
        self.missing = backstage.missing
        self.forgetting = backstage.forgetting
        self.started = backstage.started
        self.whereabouts = Whereabouts(self)
        self._backstage = backstage
        self.session: aiohttp.ClientSession
        self._warming: asyncio.Task[None] | None = None
        self.has_been_ready = False
        self._at_work: set[asyncio.Task[Any]] = set()
        self._launches: Counter[int] = Counter()
        self._brake = Brake()
        vars(self.http)["ws_connect"] = self._slowed(self.http.ws_connect)

    async def setup_hook(self) -> None:
        self._warming = asyncio.create_task(self._warm_up())
        if self.application is not None:
            self.owner_ids = operators(self.application)
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        for cog in _COGS:
            await self.add_cog(cog(self))
        for items in _ITEMS:
            self.add_dynamic_items(*items)
        await self.tree.set_translator(Translator())
        try:
            await self._sync_commands()
        except (discord.HTTPException, discord.RateLimited) as error:
            log.warning("the commands could not be registered, which is tried again at the next start: %s", error)
        self.schedule.tell, self.schedule.serves = Notices(self).tell, self._serves
        self.schedule.start()
        self.housekeeping.present = self.whereabouts.of
        self.housekeeping.start()
        self._backstage.sweep.start()
        self._backstage.vigilance.tell, self._backstage.vigilance.serves = partial(tell_of, self), self._serves
        self._backstage.vigilance.start()

    def _get_state(self, **options: object) -> Memory:
        return Memory(dispatch=self.dispatch, handlers=self._handlers, hooks=self._hooks, http=self.http, **options)

    def _serves(self, server: int) -> bool:
        """Whether the bot is in this server, as far as it knows; while it starts, it does not."""
        return self.whereabouts.of(server) is not False

    async def _warm_up(self) -> None:
        """Loads the models once the token has proved good, so that nobody's first question waits for it."""
        try:
            await self.bridge.call(Lane.ASK, self.service.warm_up)
        except Refusal:
            pass  # the bot is stopping
        except UserError as error:
            log.error("not everything is ready for questions: %s", error)
        except Exception:
            log.exception("warming up failed")
        await self.wait_until_ready()
        # Collecting garbage stops every thread. What is loaded now stays, and looking through it each time would keep
        # the event loop waiting for 0.3 s.
        gc.freeze()

    async def _sync_commands(self) -> None:
        """Registers the commands, but only if they differ from those registered last, by this folder's account."""
        commands_ = [await one.get_translated_payload(self.tree, Translator()) for one in self.tree.get_commands()]
        payload = json.dumps([self.application_id, commands_], sort_keys=True)
        digest = hashlib.sha256(payload.encode()).hexdigest()
        file = self.settings.data / "commands.json"
        if await self.bridge.call(Lane.LOOK, _known_digest, file) == digest:
            return
        await self.tree.sync()
        try:
            await self.bridge.call(Lane.CHANGE, _keep_digest, file, digest)
        except OSError as error:
            log.warning("commands.json cannot be written to the data folder: %s", error.strerror)
        log.info("commands registered", extra={"commands": len(commands_)})

    def _slowed(self, connect: Connect) -> Connect:
        """The way to the gateway, with a pause where connections break again and again."""

        async def slowed(url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
            most = _CONNECTIONS * (self.shard_count or 1)
            if pause := self._brake.pause(most, time.monotonic()):
                log.warning("the gateway's connections break one after the other; next attempt in %.1f s", pause)
                await asyncio.sleep(pause)
            return await connect(url, compress=compress)

        return slowed

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connects a shard for the first time. discord.py comes here again, within itself, after each failure."""
        self._launches[shard_id] += 1
        if self._launches[shard_id] > _LAUNCHES:
            raise ConnectionError(f"the gateway cannot be reached by shard {shard_id}")
        await super().launch_shard(gateway, shard_id, initial=initial)

    async def on_ready(self) -> None:
        self.has_been_ready = True
        log.info("ready as %s", self.user, extra={"servers": len(self.guilds), "shards": self.shard_count})

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: there are no commands by prefix. A mention is a question, and HearingCog hears it."""

    def preferences(self, server: int | None) -> Preferences:
        """What a server's people have set for it."""
        return self.records.preferences.of(server)

    def language(self, server: int) -> str | None:
        """What is spoken in a server to nobody in particular: as it has set, or as its people have Discord."""
        guild = self.get_guild(server)
        return self.preferences(server).language or language_of(guild.preferred_locale if guild else None)

    def manager_roles(self, server: int) -> frozenset[int]:
        """The roles that may manage a server's articles besides those with Manage Server."""
        return self.settings.manager_roles | self.preferences(server).manager_roles

    def work(self) -> None:
        """Marks the current task as one that has promised somebody an answer, which it may give before the bot stops.

        Every command, button and listener that answers begins with it.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — called within a coroutine
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def finish(self) -> None:
        """Closes in order: work ends or is dropped, whoever waits for it is told, the connection goes."""
        await self._backstage.stop()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=_LAST_WORDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.close(), _GOODBYE)

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
        if hasattr(self, "session"):
            await self.session.close()
        await super().close()


def operators(application: discord.AppInfo) -> set[int]:
    """The ids of those who run the bot: the application's owner, or its team but for members who may only read."""
    team = application.team
    if team is None:
        return {application.owner.id}
    accepted = discord.TeamMembershipState.accepted
    acting = {one.id for one in team.members if one.membership_state is accepted and one.role.value != "read_only"}
    return acting | ({team.owner_id} if team.owner_id else set())


def _known_digest(file: Path) -> str | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return known.get("sha256") if isinstance(known, dict) else None


def _keep_digest(file: Path, digest: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"sha256": digest}) + "\n", encoding="utf-8")
    draft.replace(file)
