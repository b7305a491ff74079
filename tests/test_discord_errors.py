"""What is said, and logged, when something fails: to the person in Discord, and to the operator."""

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import discord
import pytest
from discord import app_commands

from cogs.access import demand_manager, may_manage
from cogs.articles import default_permissions
from cogs.errors import said
from cogs.refusal import Refusal
from cogs.settings import Settings
from cogs.trouble import Backoff, Brake, OneLine, hopeless, passes
from index.errors import UserError


def http(kind, status, code=0):
    response = SimpleNamespace(status=status, reason="because")
    return kind(response, {"code": code, "message": "no"})


def closed(code):
    return discord.ConnectionClosed(SimpleNamespace(close_code=code), shard_id=0, code=code)


def test_an_error_for_its_reader_is_shown_as_it_stands(caplog):
    """A refusal's words are shown with their markup disarmed, and are nothing to log."""
    assert said(Refusal("“*.txt”: try [again]")) == r"“\*.txt”\: try \[again\]"
    assert not caplog.records


def test_an_error_for_the_operator(caplog):
    """What the operator has to mend is told to members in general words, and whole to the operator and the log."""
    settings = Settings(Path("/srv/my articles"), Path("/srv/data"), 3, 0.8, 1, 1, frozenset(), False)
    error = UserError("/srv/data/servers/1.db is damaged: restore it, or use --data DIR")
    text = said(error)
    assert not {"srv", "1.db", "--data"} & set(re.split(r"[ /\\]", text))
    assert "log" in text
    assert "/srv/data/servers/1.db is damaged" in caplog.text
    assert said(error, settings).startswith(r"servers\/1.db is damaged\: restore it")
    assert said(UserError("/srv/my articles/a b.txt: no"), settings) == r"a b.txt\: no"


def test_a_defect_has_a_reference(caplog):
    """A defect's apology names a reference, and the log has the traceback under the same one."""
    try:
        raise ZeroDivisionError("secret detail")
    except ZeroDivisionError as error:
        text = said(error)
    assert "secret" not in text
    (record,) = caplog.records
    assert text.split("`")[1] in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_commands_that_have_changed():
    """Whoever uses a command that a new version no longer has is told to reload Discord."""
    assert "Reload" in said(app_commands.CommandNotFound("ask", []))


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (discord.LoginFailure("Improper token"), "Reset Token"),
        (closed(4004), "Reset Token"),
        (http(discord.HTTPException, 401), "Reset Token"),
        (discord.PrivilegedIntentsRequired(0), "intents"),
        (closed(4014), "intents"),
        (closed(4013), "intents"),
    ],
)
def test_what_the_operator_has_to_mend(error, word):
    """A bad token and refused intents are one line each, and no reason to try again."""
    assert word in hopeless(error)
    assert "\n" not in hopeless(error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        aiohttp.ServerDisconnectedError(),
        http(discord.DiscordServerError, 503),
        http(discord.HTTPException, 429),
        discord.GatewayNotFound(),
        closed(4000),
        closed(4011),
    ],
)
def test_what_passes(error):
    """Trouble with the network, or within Discord, is waited for, and logged as one line without a traceback."""
    assert hopeless(error) is None
    assert passes(error)
    record = logging.LogRecord("discord.shard", logging.ERROR, "", 1, "Shard %s", (0,), (type(error), error, None))
    assert OneLine().filter(record)
    assert record.exc_info is None
    assert record.getMessage().startswith(f"Shard 0 ({type(error).__name__}")
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("error", [ValueError("defect"), http(discord.Forbidden, 403), None])
def test_what_does_not_pass(error):
    """Defects, and refusals that waiting does not change, are not taken for trouble with the network."""
    assert error is None or not passes(error)
    assert hopeless(error) is None


def test_attempts_to_come_back():
    """Two attempts to come back are never further apart than a minute, however long the outage."""
    backoff = Backoff()
    delays = [backoff.delay() for _ in range(200)]
    assert max(delays) <= 60
    assert max(delays[:3]) <= 8
    assert sum(delays[50:]) / 150 > 20


def test_connections_that_break_at_once():
    """A few connections in a minute are made at once; beyond that each waits longer than the one before, up to a
    minute, and a minute later all is forgotten."""
    brake = Brake()
    pauses = [brake.pause(5, 0.01 * number) for number in range(14)]
    assert pauses == [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert brake.pause(5, 61.0) == 0


def test_to_whom_commands_are_shown():
    """Managing commands are shown to managers, or to everybody where roles that Discord knows nothing of may manage."""
    assert default_permissions(frozenset()) == discord.Permissions(manage_guild=True)
    assert default_permissions(frozenset({7})) is None


def test_direct_messages_manage_nothing():
    """Outside of a server nobody manages anything, whatever permissions a direct message gives."""
    outside = SimpleNamespace(guild_id=None, permissions=discord.Permissions.all(), user=None)
    assert not may_manage(outside)
    with pytest.raises(UserError, match="Manage Server"):
        demand_manager(outside)
