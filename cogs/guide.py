"""`/help`: what somebody can do with the bot, by their rights and where they are.

The commands come from the command tree itself, with their own descriptions, so that none is forgotten. What is said
besides is how to ask, which takes no command.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from cogs.access import may_administrate, may_manage, visible
from cogs.errors import think
from cogs.markdown import escape
from cogs.sending import SENDING, deliver
from cogs.speech import _, listed, mark

if TYPE_CHECKING:
    from cogs.client import VerbatimBot

_COLOUR = 0x4E5058
_PATIENCE = 2.0  # seconds that the ids of the commands may take; without them the names alone are shown


class Audience(Enum):
    """Whom a command is for."""

    EVERYBODY = "everybody"
    MANAGERS = "managers"
    ADMINISTRATORS = "administrators"


AUDIENCES: Mapping[str, Audience] = {
    "ask": Audience.EVERYBODY,
    "help": Audience.EVERYBODY,
    "privacy": Audience.EVERYBODY,
    "status": Audience.EVERYBODY,
    mark("Answer this"): Audience.EVERYBODY,
    "articles": Audience.MANAGERS,
    "sources": Audience.MANAGERS,
    "feeds": Audience.MANAGERS,
    "reindex": Audience.MANAGERS,
    "gaps": Audience.MANAGERS,
    "export": Audience.MANAGERS,
    mark("Index this message"): Audience.MANAGERS,
    "settings": Audience.ADMINISTRATORS,
}
"""The command, group or menu → whom it is for; one that is missing here is shown to managers."""

Root = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu
Leaf = app_commands.Command[Any, ..., Any] | app_commands.ContextMenu


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the help, and where: their rights, the mention of the bot, and where this server has it answer."""

    in_server: bool
    manages: bool = False
    administrates: bool = False
    operates: bool = False
    me: str = "@Verbatim"
    channels: tuple[str, ...] = ()  # as mentions; none: all
    forums: tuple[str, ...] = ()  # as mentions
    direct: bool = True  # whether this server's articles may be asked in direct messages
    ids: Mapping[str, int] = field(default_factory=dict)  # of the registered commands, by name


class GuideCog(commands.Cog):
    """Answers `/help`, to whoever asks alone."""

    def __init__(self, bot: "VerbatimBot") -> None:
        self.bot = bot
        self._ids: Mapping[str, int] = {}

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def help(self, interaction: "discord.Interaction[VerbatimBot]") -> None:
        """See what I can do for you, and how"""
        await think(interaction, ephemeral=True)
        embeds = pages(self.bot.tree.get_commands(), await self._reader(interaction))
        await deliver(lambda: interaction.edit_original_response(embeds=embeds))

    async def _reader(self, interaction: "discord.Interaction[VerbatimBot]") -> Reader:
        wanted = self.bot.preferences(interaction.guild_id)
        return Reader(
            in_server=interaction.guild_id is not None,
            manages=may_manage(interaction),
            administrates=may_administrate(interaction),
            operates=await self.bot.is_owner(interaction.user),
            me=self.bot.user.mention if self.bot.user else "@Verbatim",
            channels=tuple(visible(interaction, wanted.channels)),
            forums=tuple(visible(interaction, wanted.forums)),
            direct=wanted.direct,
            ids=await self._registered(),
        )

    async def _registered(self) -> Mapping[str, int]:
        """The ids of the commands, looked up once; they make the names in the help something to click on."""
        if not self._ids:
            try:
                found = await asyncio.wait_for(self.bot.tree.fetch_commands(), _PATIENCE)
            except (*SENDING, TimeoutError):
                return {}
            self._ids = {one.name: one.id for one in found if one.type is discord.AppCommandType.chat_input}
        return self._ids


def pages(roots: Iterable[Root], reader: Reader) -> list[discord.Embed]:
    """The help for this reader: an embed for each part of it."""
    shown = list(_commands(roots, reader))
    asking = [*_ways(reader), "", *(_line(one, reader) for one in shown if _audience(one) is Audience.EVERYBODY)]
    parts = [(_("Asking"), [*asking, "", _buttons()])]
    if reader.manages:
        managing = [_line(one, reader) for one in shown if _audience(one) is Audience.MANAGERS]
        parts.append((_("Managing the articles"), managing))
    if reader.administrates:
        settings = [_line(one, reader) for one in shown if _audience(one) is Audience.ADMINISTRATORS]
        parts.append((_("Managing me"), settings))
    if reader.operates:
        parts.append((_("Running me"), [_operating(reader)]))
    return [discord.Embed(title=title, description="\n".join(lines), colour=_COLOUR) for title, lines in parts if lines]


def _commands(roots: Iterable[Root], reader: Reader) -> Iterator[Leaf]:
    """Everything that can be used where the reader is, groups taken apart; menus last."""
    here = [one for one in roots if _works(one, reader)]
    for root in sorted(here, key=lambda one: isinstance(one, app_commands.ContextMenu)):
        if isinstance(root, app_commands.Group):
            yield from (one for one in root.walk_commands() if isinstance(one, app_commands.Command))
        else:
            yield root


def _works(root: Root, reader: Reader) -> bool:
    contexts = root.allowed_contexts
    if reader.in_server:
        return contexts is None or contexts.guild is not False
    return not root.guild_only and (contexts is None or bool(contexts.dm_channel))


def _root(command: Leaf) -> str:
    return command.qualified_name.partition(" ")[0] if isinstance(command, app_commands.Command) else command.name


def _audience(command: Leaf) -> Audience:
    return AUDIENCES.get(_root(command), Audience.MANAGERS)


def _line(command: Leaf, reader: Reader) -> str:
    if isinstance(command, app_commands.ContextMenu):
        return _("- **{menu}**, in the menu of a message under *Apps*", menu=escape(_(command.name)))
    number = reader.ids.get(_root(command))
    name = f"`/{command.qualified_name}`" if number is None else f"</{command.qualified_name}:{number}>"
    return f"- {name}: {_(command.description)}"


# -- what takes no command


def _ways(reader: Reader) -> Iterator[str]:
    yield _("I look for the sentences that answer a question, and quote them with their source. I never make up any.")
    if not reader.in_server:
        yield _("- Write your question here. In a server that I am in, there are more ways to ask.")
        yield _("- Reply to an answer to ask on from it.")
        return
    yield _("- Mention me with a question, as in “{me} when did the sea wall give way?”", me=reader.me)
    yield _("- Reply to an answer to ask on from it, or mention me in its thread.")
    if reader.direct:
        yield _("- Write to me directly.")
    if reader.forums:
        yield _("- Write a post in {forums}: I answer it unasked.", forums=listed(reader.forums))
    if reader.channels:
        yield _("In this server I answer in {channels}.", channels=listed(reader.channels))


def _buttons() -> str:
    return _(
        "Below an answer, buttons show more of the text around a sentence and what else was found, say whether it "
        "helped, share an answer that only you see, and remove one of yours."
    )


def _operating(reader: Reader) -> str:
    told = _(
        "When something goes wrong, I tell you the reason in full, and others only that it stands in my log. In a "
        "terminal, `python bot.py check` looks at all that I need."
    )
    if not reader.in_server:
        return told
    return _("Wherever you use /reindex, I read your own articles again, too.") + "\n" + told
