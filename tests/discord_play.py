"""What tests that play the bot in Discord share: the stage, how a person uses the bot, and what lies on the web.

The stage is a Discord and a web on the loopback, an operator's folder and the bot with the deterministic encoder as a
process. Its fixtures belong to pytest (`conftest` names this module as a plugin) and last for a file, apart from
`discord`, which a test takes to be watched. A file that wants a part of it otherwise has a fixture of that name: it
takes the one below and adds to it, or stands in for it. What only one file does is not here.
"""

import json
import os
import sys
from pathlib import Path

import pytest
from discord_loopback import BotProcess, LoopbackDiscord
from loopback_web import LoopbackWeb

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
QUIET = {"model": "hash", "dimension": 1_024, "every": 1e6, "first": 1e6}  # nothing happens by itself


# -- the stage


@pytest.fixture(scope="module")
def server():
    """A Discord of the file's own; nothing that is sent there breaks Discord's rules, from first to last."""
    with LoopbackDiscord() as discord:
        yield discord
        assert discord.violations == []


@pytest.fixture(scope="module")
def web():
    """A web of the file's own, empty."""
    with LoopbackWeb() as web:
        yield web


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The operator's folder; there are no articles in it yet."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / "articles").mkdir()
    return folder


@pytest.fixture(scope="module")
def process(server, folder):
    """The bot, running; it does nothing by itself."""
    with playing(server, folder) as process:
        yield process.wait_ready()


@pytest.fixture
def discord(server, process):
    """The shared server; nothing that a test does breaks Discord's rules, leaves the loopback or costs a traceback."""
    yield server
    assert server.violations == []
    assert server.refused_connections() == []
    assert "Traceback" not in process.output
    assert process.running


def command(folder, **options):
    """How `loopback_bot` is started, which says what the options are."""
    return [sys.executable, str(HERE / "loopback_bot.py"), str(folder), json.dumps(QUIET | options)]


def playing(discord, folder, **options):
    """The bot of this stage, for a `with`."""
    return BotProcess(discord, command(folder, **options), cwd=ROOT)


# Becomes the program named after it, which then has one core and no more than so many bytes of memory of its own.
_SMALL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[1]),) * 2)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.execv(sys.argv[2], sys.argv[2:])
"""


def serving(discord, folder, *, memory=None):
    """The product itself, with the real model and the settings in the folder's `config.toml`, for a `with`; with
    `memory`, on one core and within so many bytes, as far as the system can limit a process."""
    small = [sys.executable, "-c", _SMALL, memory] if memory and hasattr(os, "sched_setaffinity") else []
    return BotProcess(discord, [*small, sys.executable, "bot.py", "--config", folder / "config.toml"], cwd=ROOT)


def restart(process, folder, **options):
    """Starts the bot anew, with these options; its output begins anew, too."""
    process.terminate()
    process.command = command(folder, **options)
    process.lines.clear()
    process.start().wait_ready()


def lay(folder, articles):
    """Puts files into the folder of the operator's articles: the text of each by its name."""
    for name, text in articles.items():
        (folder / "articles" / name).write_text(text, encoding="utf-8")


def take_in(discord, number):
    """Has the running bot read the operator's folder, which so many articles come from."""
    running = discord.slash(discord.guilds[0].channel("general"), discord.operator, "reindex")
    running.wait_for(lambda self: f"{number} added" in self.text, 120)


def add_editors(discord):
    """Gives each server an `editor`: somebody with that role, and no right of Discord's."""
    for guild in discord.guilds:
        guild.editor = discord._person(f"editor-{guild.name.lower()}")
        guild.join(guild.editor, guild.role("Editors"))


# -- what a person does and sees


def harbour(discord, channel="general"):
    guild = discord.guilds[0]
    return guild, guild.channel(channel)


def meadow(discord):
    guild = discord.guilds[1]
    return guild, guild.channel("general")


def use(discord, channel, user, name, **options):
    """Uses a command and waits until it has been carried out."""
    return answered(discord.slash(channel, user, name, options))


def answered(asked, timeout=60):
    """Waits for what comes last, acknowledged within Discord's three seconds; what is under way ends in "…"."""
    asked.wait_for(lambda self: self.answered and self.text and not self.text.endswith("…"), timeout)
    assert asked.acknowledged_after < 3
    return asked


def choices(discord, channel, user, name, option, *, typed=""):
    """What is offered while an option is typed: the value of each choice by its name."""
    found = discord.autocomplete(channel, user, name, option, typed).wait_for_answer(20)
    return {choice["name"]: choice["value"] for choice in found.choices}


def plain(asked):
    """An answer as a reader sees it, without what disarms markup."""
    return asked.text.replace("\\", "")


def is_private(asked):
    return all(message.ephemeral for message in [asked.message, *asked.followups] if message and not message.deleted)


# -- what lies on the web


def page(title, text, head=""):
    """A page with an article: each line of the text is a paragraph."""
    paragraphs = "".join(f"<p>{one}</p>" for one in text.split("\n"))
    return (
        f"<html><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1>{paragraphs}</article></body>"
    )


def rss(title, *entries):
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{"".join(entries)}</channel></rss>'


def entry(title, link, text):
    return f"<item><title>{title}</title><link>{link}</link><guid>{link}</guid><description>{text}</description></item>"


def long(said="", thing="lamp"):
    """Enough text for an entry to be an article, and not the summary of one."""
    return (
        f"The {thing} of the harbour light was put right on Monday after a long winter of repairs. {said} "
        f"The keeper of the {thing} climbs one hundred and twelve steps every evening, and counts them aloud. "
        f"Ships from the north see the {thing} first, when they come round the headland. "
    ) + " ".join(f"On day {n} the {thing} was watched by {n * 7} people from the quay." for n in range(1, 12))
