"""What a message asks, and the questions before it: those of its reply chain, or those asked in its thread.

It reads messages, in one channel and only where bot and asker may both read its history, and keeps none of them. What
it returns was written by anybody and serves as words to search for, no more. Another bot's message, a webhook's, or one
that was not for the bot is no question. Whatever goes wrong here costs the context and never the answer.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable

import discord

from cogs import render
from cogs.sending import SENDING
from retrieval.anaphora import depends

log = logging.getLogger(__name__)

_TURNS = 4  # questions looked back upon; each costs a request, for the answer comes with what replies to it
_MESSAGES = 30  # the newest of a thread that are looked through
_PATIENCE = 2.0  # seconds; what was found until then is used
_LONGEST = 300  # characters of a question; nobody may ask a longer one
_FAILURES = (*SENDING, discord.ClientException)
_ASKED = re.compile(r"[^.!?]+\?")
_MARKUP = re.compile(r"<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|t:[^>\s]*|/[^>]*)>")  # mentions, emoji, times and commands


async def before_message(message: discord.Message, question: str, me: discord.abc.User) -> list[str]:
    """The questions that this message's `question` may refer to, the oldest first; none if it needs none."""
    if not (depends(question) and _may_read(message)):
        return []
    found: list[str] = []
    if message.reference is not None:
        await _patiently(_follow_chain(message, me, found))
    elif isinstance(message.channel, discord.Thread):
        await _patiently(_look_through(message.channel, me, found, before=message))
    return found[::-1]


async def before_command(interaction: discord.Interaction, question: str, me: discord.abc.User) -> list[str]:
    """As `before_message`, for a command, which replies to nothing but may be used in a thread."""
    may_read = interaction.app_permissions.read_message_history and interaction.permissions.read_message_history
    found: list[str] = []
    if isinstance(interaction.channel, discord.Thread) and may_read and depends(question):
        await _patiently(_look_through(interaction.channel, me, found))
    return found[::-1]


def question_in(message: discord.Message, me: discord.abc.User, longest: int) -> str:
    """What a person's message asks, whomever it was meant for: its text, or if that is longer, what of it is a question
    and has room; the whole text where nothing is."""
    text = plain(message.content, me)
    return shortened(text, longest)


def shortened(text: str, longest: int) -> str:
    """The text or, if it is longer than that, its first sentence with a question mark that is not; else the text."""
    if len(text) <= longest:
        return text
    asked = (found.strip() for found in _ASKED.findall(text))
    return next((one for one in asked if 1 < len(one) <= longest), text)


async def before_chosen(message: discord.Message, question: str, me: discord.abc.User) -> list[str]:
    """As `before_message`, for a question that the message of the bot's `message` replies to asked."""
    if not depends(question):
        return []
    asked: list[discord.Message] = []

    async def look() -> None:
        if (above := await _replied_to(message)) is not None:
            asked.append(above)

    await _patiently(look())
    return await before_message(asked[0], question, me) if asked else []


async def answered_by(message: discord.Message, me: discord.abc.User) -> str | None:
    """The question that a message of the bot's answers, if it can still be told."""
    found: list[str] = []

    async def look() -> None:
        await _answered_by(message, me, found)

    await _patiently(look())
    return found[0] if found else None


def plain(text: str, me: discord.abc.User | None) -> str:
    """The text of a message without what mentions the bot (or anything else), on one line."""
    if me is not None:
        text = re.sub(rf"<@!?{me.id}>", " ", text)
    return " ".join(_MARKUP.sub(" ", text).split())


def asked_in(message: discord.Message, me: discord.abc.User) -> str | None:
    """What a person asks of the bot in this message, possibly nothing (""); None if nobody speaks to it."""
    if not is_by_person(message):
        return None
    text, mentions = re.subn(rf"<@!?{me.id}>", " ", message.content)
    text = " ".join(text.split())
    if mentions or server_of(message) is None:
        return text
    # A reply to the bot mentions it without saying so. Only a question is one: "thanks!" wants no answer.
    return text if me in message.mentions and "?" in text else None


def is_by_person(message: discord.Message) -> bool:
    """Whether a person wrote this, and no bot, no webhook and not Discord itself."""
    return not (message.author.bot or message.webhook_id or message.is_system())


def server_of(message: discord.Message) -> int | None:
    """The server in which this was written, also one that Discord has not told of yet; None: a direct message."""
    if isinstance(message.channel, discord.PartialMessageable):
        return message.channel.guild_id
    return message.guild.id if message.guild else None


def permissions_in(message: discord.Message, member: discord.Member | None) -> discord.Permissions:
    """What a member may do where this was written. What is not known is tried: Discord says so if it may not be."""
    if member is None or message.guild is None or isinstance(message.channel, discord.PartialMessageable):
        return discord.Permissions.all()
    try:
        return message.channel.permissions_for(member)
    except discord.ClientException:  # a thread of a channel that is not known
        return discord.Permissions.all()


def _may_read(message: discord.Message) -> bool:
    author = message.author if isinstance(message.author, discord.Member) else None
    people = (message.guild.me if message.guild else None, author)
    return all(permissions_in(message, one).read_message_history for one in people)


async def _patiently(reading: Awaitable[None]) -> None:
    """Waits for a reading that may take too long, or fail."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await reading
    except _FAILURES as error:
        log.warning("the questions before could not be read: %s: %s", type(error).__name__, error)


async def _follow_chain(message: discord.Message, me: discord.abc.User, found: list[str]) -> None:
    """Adds to `found` the questions of a reply chain, the newest first, up to one that stands by itself."""
    for _turn in range(_TURNS):
        above = await _answered_by(await _replied_to(message), me, found)
        if above is None or not depends(found[-1]):
            return
        message = above


async def _answered_by(above: discord.Message | None, me: discord.abc.User, found: list[str]) -> discord.Message | None:
    """Adds to `found` the question of this message or, if it is one of the bot's answers, the one that it answers.

    Returns the message that asked it, to look further back from; None where there is nothing further to look at.
    """
    if above is not None and above.author.id == me.id:  # one of the bot's answers
        if shown := render.question_of(above.content, above.embeds):
            found.append(shown[:_LONGEST])
            return None
        above = await _replied_to(above)
    question = _question_in(above, me) if above is not None else None
    if not question:
        return None
    found.append(question[:_LONGEST])
    return above


def _question_in(message: discord.Message, me: discord.abc.User) -> str | None:
    """What a message asks, or the post that it opens."""
    channel = message.channel
    if isinstance(channel, discord.Thread) and message.id == channel.id and is_by_person(message):
        return channel.name
    return asked_in(message, me)


async def _replied_to(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to, in the same channel; None if there is none, or it was deleted."""
    to = message.reference
    if to is None or to.message_id is None or to.channel_id != message.channel.id:
        return None
    if to.type is not discord.MessageReferenceType.reply:
        return None
    if to.resolved is not None:
        return to.resolved if isinstance(to.resolved, discord.Message) else None
    try:
        return await message.channel.fetch_message(to.message_id)
    except (discord.NotFound, discord.Forbidden):
        return None


async def _look_through(
    thread: discord.Thread, me: discord.abc.User, found: list[str], *, before: discord.Message | None = None
) -> None:
    """Adds to `found` the last questions asked in a thread, the newest first, up to one that stands by itself."""
    async for message in thread.history(limit=_MESSAGES, before=before):
        if message.type is discord.MessageType.thread_starter_message:
            await _opened_from(thread, me, found)
            return
        if message.author.id == me.id:
            question = render.question_of(message.content, message.embeds)
        else:
            question = _question_in(message, me)
        if question:
            found.append(question[:_LONGEST])
            if len(found) == _TURNS or not depends(question):
                return


async def _opened_from(thread: discord.Thread, me: discord.abc.User, found: list[str]) -> None:
    """Adds to `found` the question of the message that a thread was opened from, or that this message answers."""
    if not isinstance(thread.parent, discord.TextChannel):
        return
    try:
        # What comes with the thread's own first message does not say what it replies to, where it stands.
        above = await thread.parent.fetch_message(thread.id)
    except (discord.NotFound, discord.Forbidden):
        return
    await _answered_by(above, me, found)
