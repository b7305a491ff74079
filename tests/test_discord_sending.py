"""Getting words to Discord, and files from it, when connections break, things are refused, or somebody lies."""

import asyncio
import contextlib
import logging
from types import SimpleNamespace

import aiohttp
import discord
import pytest
from discord_loopback import LoopbackDiscord

from cogs.answers import Asking
from cogs.asking import Asker
from cogs.bridge import Bridge
from cogs.client import operators
from cogs.context import permissions_in, server_of
from cogs.errors import tell
from cogs.hearing import HearingCog
from cogs.latencies import Latencies
from cogs.sending import SENDING, deliver
from cogs.service import Asked
from cogs.uploads import download
from index.errors import UserError
from retrieval.answer import Answer


def http(kind, status, code=0):
    response = SimpleNamespace(status=status, reason="because")
    return kind(response, {"code": code, "message": "no"})


REFUSED = http(discord.HTTPException, 400)
FORBIDDEN = http(discord.Forbidden, 403)
ILL = http(discord.DiscordServerError, 500)
LOST = aiohttp.ServerDisconnectedError()


def delivered(*ways):
    """What `deliver` tried, each way being the errors it meets before it works."""
    tried = []

    def way(number, errors):
        async def send():
            tried.append(number)
            if errors:
                raise errors.pop(0)

        return send

    try:
        asyncio.run(deliver(*(way(number, list(errors)) for number, errors in enumerate(ways))))
    except SENDING as error:
        tried.append(error)
    return tried


@pytest.mark.parametrize(
    ("ways", "tried"),
    [
        ([[]], [0]),
        ([[LOST]], [0, 0]),
        ([[ConnectionResetError()], []], [0, 0]),
        ([[LOST, LOST], []], [0, 0, LOST]),
        ([[REFUSED], []], [0, 1]),
        ([[LOST, REFUSED], [FORBIDDEN], [LOST]], [0, 0, 1, 2, 2]),
        ([[REFUSED], [REFUSED]], [0, 1, REFUSED]),
        ([[ILL], []], [0, ILL]),
    ],
)
def test_ways_to_send(ways, tried):
    """A lost connection is tried once more, a refusal another way, and what fails in all ways is one error to catch."""
    assert delivered(*ways) == tried


UNREACHABLE = aiohttp.ClientConnectorError(SimpleNamespace(ssl=None, host="discord", port=443), OSError(111, "refused"))
AWAY = http(discord.DiscordServerError, 503)


@pytest.mark.parametrize(
    ("patience", "errors", "pauses"),
    [
        (0.0, [UNREACHABLE], []),
        (60.0, [UNREACHABLE, AWAY, UNREACHABLE], [1, 2, 4]),
        (60.0, [AWAY] * 7, [1, 2, 4, 8, 16, 30]),
        (60.0, [LOST, AWAY], [1]),
    ],
)
def test_patience(monkeypatch, patience, errors, pauses):
    """While Discord is out of reach, what is worth waiting for is sent again at longer and longer intervals."""
    slept, left = [], list(errors)

    async def sleep(seconds):
        slept.append(seconds)

    async def send():
        if left:
            raise left.pop(0)

    monkeypatch.setattr("cogs.sending.asyncio.sleep", sleep)
    if sum(pauses) < patience:
        asyncio.run(deliver(send, patience=patience))
        assert not left
    else:
        with contextlib.suppress(*SENDING):
            asyncio.run(deliver(send, patience=patience))
    assert slept == pauses


def test_an_answer_that_comes_too_late(caplog):
    """An interaction that Discord no longer knows is a line in the log, and nothing is sent for it."""
    interaction = SimpleNamespace(type=discord.InteractionType.application_command)
    asyncio.run(tell(interaction, http(discord.NotFound, 404, 10062)))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "later than Discord waits" in caplog.text


def fetched(server, content, **options):
    async def fetch():
        async with aiohttp.ClientSession() as session:
            file = server.upload("a.txt", content, **options)
            return await download(session, SimpleNamespace(url=file.url, filename="a.txt", size=10), 1_000)

    return asyncio.run(fetch())


@pytest.fixture
def cdn(monkeypatch):
    with LoopbackDiscord() as server:
        monkeypatch.setattr(discord.asset.Asset, "BASE", server.environment()["LOOPBACK_CDN"])
        yield server
        assert server.violations == []


def test_downloads(cdn):
    """A file is fetched as it is; one that does not end is given up when it is larger than allowed."""
    assert fetched(cdn, b"abc") == b"abc"
    with pytest.raises(UserError, match="too large"):
        fetched(cdn, 1 << 40, declared_size=10)


def test_redirects_are_not_followed(cdn):
    """A file's host cannot send the bot anywhere else."""
    elsewhere = cdn.upload("b.txt", b"secret")
    with pytest.raises(UserError, match="Upload it again"):
        fetched(cdn, b"", status=302, location=elsewhere.url)
    assert not any("b.txt" in path for path in cdn.downloads)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/cdn/a.txt",
        "http://cdn.discordapp.com/a.txt",
        "https://cdn.discordapp.com.evil.example/a.txt",
        "https://cdn.discordapp.com@evil.example/a.txt",
        "file:///etc/passwd",
        "/a.txt",
    ],
)
def test_only_discords_hosts_are_asked(url):
    """A payload cannot choose where the bot connects to."""
    with pytest.raises(UserError, match="not one that was uploaded to Discord"):
        asyncio.run(download(None, SimpleNamespace(url=url, filename="a.txt", size=1), 10))


def application(**team):
    user = {"username": "x", "discriminator": "0", "avatar": None}

    def member(number, state, role):
        return {"user": user | {"id": str(number)}, "membership_state": state, "role": role, "team_id": "9"}

    members = [member(1, 2, "admin"), member(2, 2, "developer"), member(3, 2, "read_only"), member(4, 1, "admin")]
    data = {"id": "9", "name": "t", "icon": None, "owner_user_id": "5", "members": members}
    return SimpleNamespace(team=discord.Team(None, data), owner=SimpleNamespace(id=7))


def test_operators():
    """Operators are the owner or, of a team, its owner and those who have joined and may do more than read."""
    assert operators(application()) == {1, 2, 5}
    assert operators(SimpleNamespace(team=None, owner=SimpleNamespace(id=7))) == {7}


def test_servers_that_are_not_known_yet():
    """A message from a server that Discord has not told of is no direct message, and answering it is tried."""
    place = discord.PartialMessageable(SimpleNamespace(_get_guild=lambda _: None), 5, guild_id=8)
    message = SimpleNamespace(guild=None, channel=place)
    assert server_of(message) == 8
    assert permissions_in(message, None) == discord.Permissions.all()
    unknown_self = SimpleNamespace(guild=SimpleNamespace(id=8, me=None), channel=None)
    assert server_of(unknown_self) == 8
    assert permissions_in(unknown_self, unknown_self.guild.me) == discord.Permissions.all()
    assert server_of(SimpleNamespace(guild=None, channel=None)) is None


@pytest.mark.parametrize("kept", [True, False])
def test_questions_in_the_log(caplog, kept):
    """A question's words are in the log if the operator has said so, and only then."""
    caplog.set_level(logging.INFO)

    async def asked():
        bridge = Bridge()
        answers = SimpleNamespace(ask=lambda _: Asked(Answer("Where is it?", ()), own=1, shared=0))
        settings = SimpleNamespace(log_questions=kept)
        bot = SimpleNamespace(bridge=bridge, answers=answers, settings=settings, answer_times=Latencies())
        try:
            await Asker(bot).ask(Asking("Where is it?", asker=5, place=8, guild=8, private=False))
        finally:
            await bridge.close()

    asyncio.run(asked())
    (record,) = [one for one in caplog.records if one.getMessage() == "question answered"]
    assert getattr(record, "question", None) == ("Where is it?" if kept else None)


@pytest.mark.parametrize("sender", [{"bot": True}, {"webhook": 5}, {"system": True}])
def test_who_is_not_answered(sender):
    """Other bots, webhooks and Discord itself are not answered, whatever they say."""
    author = SimpleNamespace(bot=sender.get("bot", False))
    message = SimpleNamespace(author=author, webhook_id=sender.get("webhook"), is_system=lambda: "system" in sender)
    # Whoever is answered has to have a channel and a text.
    assert asyncio.run(HearingCog(SimpleNamespace()).on_message(message)) is None
