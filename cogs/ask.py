"""Questions as they come in: `/ask`, “Answer this” in a message's menu, mentions and replies, direct messages, and
posts in forums. What an answer looks like is `render`'s business, and what all these ways share is `asking`'s.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from cogs import choosing, context, forum
from cogs.answers import Asking
from cogs.asking import LONGEST, SHORTEST, Ready, elsewhere, is_answered_in
from cogs.bridge import Lane
from cogs.direct import Ground
from cogs.errors import said, think
from cogs.markdown import label
from cogs.once import Once
from cogs.refusal import Refusal
from cogs.render import Reply
from cogs.sending import OUTAGE, SENDING, deliver
from cogs.service import NOWHERE, Askable
from cogs.speech import _, language_of, n_, speak
from index.errors import UserError

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

log = logging.getLogger(__name__)

_CHOICE = 100  # characters of a choice's name


class AskCog(commands.Cog):
    """Answers questions from the articles that a server may ask."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._posts = Once()
        self._menu = app_commands.ContextMenu(
            name="Answer this",
            callback=self._answer_this,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )

    async def cog_load(self) -> None:
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    # -- commands

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.describe(
        question="What do you want to know?",
        private="Show the answer to you alone",
        article="Look in this article alone; begin to type its title",
        count="The most sentences to show",
    )
    async def ask(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        question: app_commands.Range[str, SHORTEST, LONGEST],
        private: bool = False,
        article: app_commands.Range[str, 1, _CHOICE] | None = None,
        count: app_commands.Range[int, 1, 10] | None = None,
    ) -> None:
        """Find the sentences that answer a question, with their sources"""
        if await _is_sent_elsewhere(interaction):
            return
        self.bot.asker.demand_patience(interaction.user.id)
        await think(interaction, ephemeral=private)
        previous = await context.before_command(interaction, question, self._me)
        await self._answer(interaction, question, previous, private=private, article=article, count=count)

    @ask.autocomplete("article")
    async def _complete_article(
        self, interaction: "discord.Interaction[VerbatimBot]", typed: str
    ) -> list[app_commands.Choice[str]]:
        bot, server = self.bot, interaction.guild_id
        try:
            if server is None:
                ground = await bot.direct.ground(interaction.user.id)
                server = ground.server.id if ground.server else NOWHERE
            elif not _is_answered_here(interaction):
                return []
            found = await bot.bridge.call_for(server, Lane.LOOK, bot.service.askable, server, typed)
        except UserError as error:
            log.warning("no choices: %s", error)
            return []
        return [app_commands.Choice(name=_named(one), value=one.choice) for one in found]

    async def _answer_this(self, interaction: "discord.Interaction[VerbatimBot]", message: discord.Message) -> None:
        if await _is_sent_elsewhere(interaction):
            return
        if not context.is_by_person(message):
            raise Refusal(_("I answer what people write. Choose a message of a person."))
        question = context.question_in(message, self._me, LONGEST)
        if len(question) < SHORTEST:
            raise Refusal(_("There is no question in this message: I read text alone."))
        if len(question) > LONGEST:
            raise Refusal(_too_long())
        self.bot.asker.demand_patience(interaction.user.id)
        await think(interaction, ephemeral=True)
        both = (interaction.app_permissions, interaction.permissions)
        may_read = interaction.guild_id is None or all(one.read_message_history for one in both)
        previous = await context.before_message(message, question, self._me) if may_read else []
        await self._answer(interaction, question, previous, private=True)

    async def _answer(
        self,
        interaction: "discord.Interaction[VerbatimBot]",
        question: str,
        previous: Sequence[str],
        *,
        private: bool,
        article: str | None = None,
        count: int | None = None,
    ) -> None:
        """Answers in the message that the interaction was acknowledged with."""
        guild, person = interaction.guild_id, interaction.user.id
        ground = await self._ground(guild, person)
        asking = Asking(question, person, _place(guild, ground), guild, private, tuple(previous), count, article)
        embeds = guild is None or interaction.app_permissions.embed_links
        await self.bot.asker.show(interaction, await self._ready(asking, ground, question=question, embeds=embeds))

    # -- messages

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answers whoever mentions the bot, replies to it, writes to it directly, or opens a post in a forum."""
        if not context.is_by_person(message):
            return
        server = context.server_of(message)
        question, post = context.asked_in(message, self._me), await forum.question_of(self.bot, message)
        if post is None and (question is None or not self._is_answered_in(message, server)):
            return
        if not _may_write(message):
            return
        self.bot.work()
        speak(self._language(server))
        if question is None:
            await self._answer_post(message, post or "")
            return
        allowed = context.permissions_in(message, message.guild.me if message.guild else None)
        with _typing(message.channel):
            ready = await self._ready_for(message, question if post is None else post, embeds=allowed.embed_links)
        if await _send(message, ready.replies, refer=allowed.read_message_history):
            self.bot.asker.sent(ready)

    async def _answer_post(self, message: discord.Message, question: str) -> None:
        """Answers a post that asked nothing of the bot, which is silent unless it is sure: it was not spoken to."""
        server = context.server_of(message)
        if server is None or message.id in self._posts or not SHORTEST <= len(question) <= LONGEST:
            return
        self._posts.add(message.id)
        allowed = context.permissions_in(message, message.guild.me if message.guild else None)
        try:
            self.bot.asker.demand_patience(message.author.id)
            asking = Asking(question, message.author.id, server, server, False)
            ready = await self.bot.asker.ready(asking, question=None, embeds=allowed.embed_links)
        except Refusal as error:
            log.info("a post is not answered: %s", error)
        except Exception as error:
            said(error)  # into the log
        else:
            if ready.answered and await _send(message, ready.replies, refer=allowed.read_message_history):
                self.bot.asker.sent(ready)

    async def _ready_for(self, message: discord.Message, question: str, *, embeds: bool) -> Ready:
        server, person = context.server_of(message), message.author.id
        if len(question) < SHORTEST:
            return Ready([Reply(_help(in_server=server is not None))])
        if len(question) > LONGEST:
            return Ready([Reply(_too_long())])
        try:
            self.bot.asker.demand_patience(person)
            previous = await context.before_message(message, question, self._me)
            ground = await self._ground(server, person)
            speak(self._language(_place(server, ground)))
            asking = Asking(question, person, _place(server, ground), server, False, tuple(previous))
            return await self._ready(asking, ground, question=None, embeds=embeds)
        except Exception as error:  # a listener is an entry point: nobody else would tell who asked
            return Ready([Reply(said(error))])

    def _is_answered_in(self, message: discord.Message, server: int | None) -> bool:
        parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
        return server is None or is_answered_in(self.bot.preferences(server), message.channel.id, parent)

    # -- both

    async def _ground(self, guild: int | None, person: int) -> Ground:
        """Whose articles are asked, in direct messages; nothing to choose in a server (`guild`)."""
        if guild is None:
            return await self.bot.direct.ground(person)
        self.bot.direct.saw(person, guild)
        return Ground()

    async def _ready(self, asking: Asking, ground: Ground, *, question: str | None, embeds: bool) -> Ready:
        if ground.choices:
            if asking.article is not None:
                raise Refusal(_("First ask without an article, and choose the server whose articles you mean."))
            return Ready([choosing.menu(ground.choices, asking.question, hits=asking.hits)])
        ready = await self.bot.asker.ready(asking, question=question, embeds=embeds)
        if ground.server is None:
            return ready
        return replace(ready, replies=choosing.from_server(ready.replies, ground.server, chose=ground.chose))

    def _language(self, server: int | None) -> str | None:
        """What is spoken in a server to nobody in particular: as it has set, or as its people have Discord."""
        guild = self.bot.get_guild(server) if server else None
        return self.bot.preferences(server).language or (language_of(guild.preferred_locale) if guild else None)

    @property
    def _me(self) -> discord.ClientUser:
        assert self.bot.user is not None  # noqa: S101 — nobody asks before it has logged in
        return self.bot.user


def _place(guild: int | None, ground: Ground) -> int:
    return guild or (ground.server.id if ground.server else NOWHERE)


def _may_write(message: discord.Message) -> bool:
    """Whether the bot may answer where this was written."""
    allowed = context.permissions_in(message, message.guild.me if message.guild else None)
    in_thread = isinstance(message.channel, discord.Thread)
    return allowed.view_channel and (allowed.send_messages_in_threads if in_thread else allowed.send_messages)


def _is_answered_here(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    if interaction.guild_id is None:
        return True
    parent = interaction.channel.parent_id if isinstance(interaction.channel, discord.Thread) else None
    return is_answered_in(interaction.client.preferences(interaction.guild_id), interaction.channel_id, parent)


async def _is_sent_elsewhere(interaction: "discord.Interaction[VerbatimBot]") -> bool:
    """Whether questions are not answered here; whoever asked has been told where they are, then."""
    if _is_answered_here(interaction):
        return False
    # Not by a Refusal, whose text is shown as it stands: these channels are links.
    text = elsewhere(interaction.client.preferences(interaction.guild_id))
    await deliver(lambda: interaction.response.send_message(text, ephemeral=True))
    return True


def _named(one: Askable) -> str:
    """An article's name among the choices, which know no markup."""
    if not one.shared:
        return label(one.article.title, _CHOICE)
    return label(_("{title} (shared)", title=label(one.article.title, _CHOICE - 20)), _CHOICE)


def _too_long() -> str:
    return n_("Please ask in at most {number} character.", "Please ask in at most {number} characters.", LONGEST)


def _help(*, in_server: bool) -> str:
    if not in_server:
        return _("Write me a question, and I look for the sentences that answer it.")
    return _(
        "Mention me with a question, or use `/ask`, and I look for the sentences that answer it in the articles of "
        "this server."
    )


@contextmanager
def _typing(channel: discord.abc.Messageable) -> Iterator[None]:
    """Shows the bot as typing for the length of the block, which does not wait for that, nor suffer if it fails."""

    async def show() -> None:
        with suppress(*SENDING):
            async with channel.typing():
                await asyncio.Event().wait()

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()


async def _send(message: discord.Message, replies: Sequence[Reply], *, refer: bool) -> bool:
    """Sends the first of these that Discord takes, the last also without referring to the message it answers; whether
    it took one."""
    nonce = message.id  # what is sent twice, since only an answer was lost or the message came twice, appears once

    async def send(reply: Reply, number: int, *, refer: bool) -> None:
        parts = reply.parts()
        if refer:
            parts |= {"reference": message.to_reference(fail_if_not_exists=False), "mention_author": False}
        await message.channel.send(**parts, suppress_embeds=not reply.embeds, nonce=nonce + number)

    ways = [partial(send, reply, number, refer=refer) for number, reply in enumerate(replies)]
    if refer:
        ways.append(partial(send, replies[-1], len(replies), refer=False))
    try:
        await deliver(*ways, patience=OUTAGE)
    except SENDING as error:
        log.warning("could not reply in channel %s: %s", message.channel.id, error)
        return False
    return True
