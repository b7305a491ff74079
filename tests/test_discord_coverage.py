"""What people can do with the bot in Discord, and which tests show that it does it, refuses it, and takes no nonsense.

Everything that the bot registers has a row. A test is named as `file::name`, after a remark where one is needed: who is
refused nothing, and what can be given nothing wrong, has the test of what comes nearest.
"""

import ast
import asyncio
import importlib
import pkgutil
from functools import cache
from pathlib import Path
from unittest.mock import MagicMock

import discord
import pytest
from discord import app_commands, ui

import cogs
from cogs.client import VerbatimBot

HERE = Path(__file__).resolve().parent

ANSWERS, ASKING, BOT = "test_discord_answers.py", "test_discord_asking.py", "test_discord_bot.py"
GAPS, HELP, MANAGE = "test_discord_gaps.py", "test_discord_help.py", "test_discord_manage.py"
PRIVACY, SETTINGS, SOURCES = "test_discord_privacy.py", "test_discord_settings.py", "test_discord_sources.py"
STATUS = "test_discord_status.py"

DIRECTLY = f"takes nothing; used in direct messages: {HELP}::test_what_is_for_servers_alone"
NO_ID = f"{MANAGE}::test_ids_that_say_nothing"
NO_PATTERN = f"{MANAGE}::test_what_is_typed_is_no_pattern"
NOT_HERE = f"{ASKING}::test_channels_that_are_not_set"
NOT_SHOWN = f"{MANAGE}::test_where_articles_are_shown"
OTHER_IDS = f"{ANSWERS}::test_ids_of_other_answers"
NO_LONGER = (
    f"everybody who sees the answer may; where it may be asked no more: "
    f"{ANSWERS}::test_a_server_that_is_no_longer_asked_in_direct_messages"
)
MANAGERS = f"{BOT}::test_managing_takes_rights"
FEEDS, SOURCES_ = f"{SOURCES}::test_feeds_take_rights", f"{MANAGE}::test_sources_take_rights"
ADMINISTRATORS = f"{SETTINGS}::test_who_is_refused"

# What is registered: (success, refusal, bad input).
COMMANDS = {
    "/ask": (f"{BOT}::test_ask", NOT_HERE, f"{ASKING}::test_an_article_that_is_not_here"),
    "/articles add": (f"{BOT}::test_add", MANAGERS, f"{BOT}::test_files_that_are_refused"),
    "/articles list": (f"{BOT}::test_list", NOT_SHOWN, DIRECTLY),
    "/articles show": (
        f"{MANAGE}::test_an_article_is_shown",
        NOT_SHOWN,
        f"{MANAGE}::test_showing_what_is_not_there",
    ),
    "/articles remove": (f"{BOT}::test_remove", MANAGERS, f"{BOT}::test_two_servers"),
    "/feeds add": (f"{SOURCES}::test_a_feed", FEEDS, f"{SOURCES}::test_links_that_are_refused"),
    "/feeds list": (f"{SOURCES}::test_the_list_of_feeds", FEEDS, DIRECTLY),
    "/feeds pause": (f"{SOURCES}::test_pausing_a_feed", FEEDS, f"{SOURCES}::test_pausing_a_feed"),
    "/feeds resume": (f"{SOURCES}::test_pausing_a_feed", FEEDS, f"{SOURCES}::test_pausing_a_feed"),
    "/feeds remove": (
        f"{SOURCES}::test_removing_feeds_after_a_restart",
        FEEDS,
        f"{SOURCES}::test_pausing_a_feed",
    ),
    "/sources list": (f"{MANAGE}::test_sources_are_listed", SOURCES_, DIRECTLY),
    "/sources pause": (f"{MANAGE}::test_sources_are_paused", SOURCES_, f"{MANAGE}::test_sources_are_paused"),
    "/sources resume": (f"{MANAGE}::test_sources_are_paused", SOURCES_, f"{MANAGE}::test_sources_are_paused"),
    "/sources remove": (f"{MANAGE}::test_sources_are_removed", SOURCES_, SOURCES_),
    "/reindex": (f"{SOURCES}::test_reindexing", MANAGERS, DIRECTLY),
    "/export": (f"{MANAGE}::test_an_export_is_added_elsewhere", f"{MANAGE}::test_an_export_takes_rights", DIRECTLY),
    "/gaps": (f"{GAPS}::test_gaps", f"{GAPS}::test_only_managers", DIRECTLY),
    "/status": (
        f"{STATUS}::test_what_managers_and_members_are_told",
        f"everybody may, members are told little: {STATUS}::test_what_managers_and_members_are_told",
        DIRECTLY,
    ),
    "/privacy show": (
        f"{PRIVACY}::test_showing",
        f"everybody may, but not too often: {PRIVACY}::test_asking_too_often",
        f"takes nothing; a file that cannot be read: {PRIVACY}::test_a_corpus_that_cannot_be_read",
    ),
    "/privacy delete": (
        f"{PRIVACY}::test_deleting_after_a_restart",
        f"everybody may, but not too often: {PRIVACY}::test_asking_too_often",
        f"takes nothing; nothing is kept: {PRIVACY}::test_deleting_after_a_restart",
    ),
    "/settings": (f"{SETTINGS}::test_the_panel", ADMINISTRATORS, DIRECTLY),
    "/help": (
        f"{HELP}::test_nothing_is_missing",
        f"everybody may, and sees what they may do: {HELP}::test_by_rights",
        f"takes nothing; Discord tells no ids: {HELP}::test_without_the_ids",
    ),
    "menu: Answer this": (f"{ASKING}::test_answer_this", NOT_HERE, f"{ASKING}::test_answer_this_without_a_question"),
    "menu: Index this message": (
        f"{SOURCES}::test_a_message",
        f"{SOURCES}::test_messages_that_give_nothing",
        f"{SOURCES}::test_messages_that_give_nothing",
    ),
}

ITEMS = {
    "turning.PageButton": (
        f"{BOT}::test_list",
        f"{BOT}::test_list",
        f"{MANAGE}::test_the_list_of_sources_is_turned",
    ),
    "turning.TextButton": (
        f"{MANAGE}::test_the_text_is_turned_through",
        f"{MANAGE}::test_showing_what_is_not_there",
        f"{MANAGE}::test_showing_what_is_not_there",
    ),
    "removing.AskRemoveButton": (
        f"{MANAGE}::test_removing_what_is_shown",
        f"{MANAGE}::test_removing_what_is_shown",
        f"{MANAGE}::test_showing_what_is_not_there",
    ),
    "removing.RemoveButton": (f"{BOT}::test_remove", MANAGERS, f"{BOT}::test_two_servers"),
    "removing.RemoveSourceButton": (f"{MANAGE}::test_sources_are_removed", SOURCES_, SOURCES_),
    "buttons.KeepButton": (
        f"{BOT}::test_remove",
        f"everybody may, for it changes nothing; the button beside it: {MANAGERS}",
        NO_ID,
    ),
    "answer_buttons.ContextButton": (f"{ANSWERS}::test_context", NO_LONGER, OTHER_IDS),
    "answer_buttons.TurnButton": (f"{ANSWERS}::test_context", NO_LONGER, OTHER_IDS),
    "answer_buttons.MoreButton": (f"{ANSWERS}::test_more", NO_LONGER, OTHER_IDS),
    "answer_buttons.JudgeButton": (
        f"{ANSWERS}::test_judging",
        f"{ANSWERS}::test_judging_without_a_log",
        OTHER_IDS,
    ),
    "answer_buttons.WhichButton": (
        f"{ANSWERS}::test_judging",
        f"who has taken their judgement back: {ANSWERS}::test_judging",
        OTHER_IDS,
    ),
    "answer_sharing.ShareButton": (
        f"{ANSWERS}::test_sharing",
        f"{ANSWERS}::test_sharing_where_one_may_not_write",
        OTHER_IDS,
    ),
    "answer_sharing.RemoveButton": (f"{ANSWERS}::test_removing", f"{ANSWERS}::test_removing", OTHER_IDS),
    "preferences.RoleMenu": (
        f"{SETTINGS}::test_roles_that_manage",
        ADMINISTRATORS,
        f"{SETTINGS}::test_roles_that_may_not_manage",
    ),
    "preferences.ChannelMenu": (
        f"{SETTINGS}::test_channels",
        ADMINISTRATORS,
        f"{SETTINGS}::test_channels_that_cannot_be",
    ),
    "preferences.ChoiceMenu": (f"{SETTINGS}::test_choices", ADMINISTRATORS, f"{SETTINGS}::test_forged_choices"),
    "preferences.Switch": (f"{SETTINGS}::test_direct_messages", ADMINISTRATORS, NO_ID),
    "preferences.SureButton": (f"{SETTINGS}::test_deleting_the_question_log", ADMINISTRATORS, NO_ID),
    "preferences.ResetButton": (f"{SETTINGS}::test_resetting", ADMINISTRATORS, NO_ID),
    "preferences.TurnButton": (f"{SETTINGS}::test_the_panel", ADMINISTRATORS, NO_ID),
    "privacy.ForgetButton": (
        f"{PRIVACY}::test_deleting_after_a_restart",
        f"{PRIVACY}::test_anothers_button",
        f"{PRIVACY}::test_anothers_button",
    ),
    "gaps.GapsPageButton": (
        f"{GAPS}::test_pages_outlive_a_restart",
        f"{GAPS}::test_a_button_is_no_way_around_the_rights",
        f"{GAPS}::test_a_button_is_no_way_around_the_rights",
    ),
    "choosing.ServerMenu": (
        f"{ASKING}::test_several_servers",
        f"{ASKING}::test_choosing_in_a_server",
        f"{ASKING}::test_a_server_that_is_not_ones_own",
    ),
    "choosing.OtherServerButton": (
        f"{ASKING}::test_several_servers",
        f"{ASKING}::test_choosing_in_a_server",
        f"{ASKING}::test_changing_where_there_is_no_choice",
    ),
}

FORMS = {
    "form.TextForm": (
        f"{SOURCES}::test_a_pasted_text",
        f"{SOURCES}::test_a_pasted_text_that_is_refused",
        f"{SOURCES}::test_a_pasted_text_that_is_refused",
    ),
}

CHOICES = {
    "/ask article": (f"{ASKING}::test_one_article", NOT_HERE, NO_PATTERN),
    "/articles add replaces": (f"{BOT}::test_add", MANAGERS, NO_PATTERN),
    "/articles show article": (f"{MANAGE}::test_an_article_is_shown", NOT_SHOWN, NO_PATTERN),
    "/articles remove article": (f"{BOT}::test_remove", MANAGERS, NO_PATTERN),
    "/feeds pause feed": (f"{SOURCES}::test_pausing_a_feed", FEEDS, NO_PATTERN),
    "/feeds resume feed": (f"{SOURCES}::test_pausing_a_feed", FEEDS, NO_PATTERN),
    "/feeds remove feed": (FEEDS, FEEDS, NO_PATTERN),
    "/sources pause source": (f"{MANAGE}::test_sources_are_paused", SOURCES_, NO_PATTERN),
    "/sources resume source": (f"{MANAGE}::test_sources_are_paused", SOURCES_, NO_PATTERN),
    "/sources remove source": (SOURCES_, SOURCES_, NO_PATTERN),
}

ROWS = {**COMMANDS, **ITEMS, **FORMS, **CHOICES}

# Where a Discord may be made for tests: in their files, but for this one, and in what these share.
FILES = sorted({path.name for path in HERE.glob("test_*.py")} - {Path(__file__).name} | {"discord_play.py"})


class Registering(VerbatimBot):
    """The bot without what is behind it, and without Discord: what it registers at its start, and no more."""

    def __init__(self):
        super().__init__(MagicMock())
        self.items, self.slash, self.entries = [], [], []

    def add_dynamic_items(self, *items):
        self.items += items

    async def _warm_up(self):
        pass

    async def _sync_commands(self):
        """Notes what would be registered with Discord; a bot that is closed has nothing of it any more."""
        self.slash = [one for one in self.tree.walk_commands() if isinstance(one, app_commands.Command)]
        kinds = (discord.AppCommandType.message, discord.AppCommandType.user)
        self.entries = [one.name for kind in kinds for one in self.tree.get_commands(type=kind)]


@pytest.fixture(scope="module")
def bot():
    async def started():
        async with Registering() as bot:
            await bot.setup_hook()
        return bot

    return asyncio.run(started())


def below(kind):
    """All classes of the bot's own that are of this kind."""
    for module in pkgutil.iter_modules(cogs.__path__):
        importlib.import_module(f"cogs.{module.name}")
    found, left = set(), [kind]
    while left:
        left += (more := left.pop().__subclasses__())
        found |= {one for one in more if one.__module__.startswith("cogs.")}
    return found


def named(classes):
    return sorted(f"{one.__module__.removeprefix('cogs.')}.{one.__qualname__}" for one in classes)


@cache
def names_in(file):
    parsed = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {one.name for one in parsed.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}


def test_every_command(bot):
    """Every command, subcommand and entry of a menu that the bot registers has tests, and there is no other."""
    found = [f"/{one.qualified_name}" for one in bot.slash] + [f"menu: {name}" for name in bot.entries]
    assert sorted(found) == sorted(COMMANDS)


def test_every_button_and_menu(bot):
    """Every button and menu that the bot has is registered, so that it outlives a restart, and has tests."""
    assert named(bot.items) == sorted(ITEMS)
    assert named(below(ui.DynamicItem)) == sorted(ITEMS)


def test_every_form():
    """Every form that the bot has is tested."""
    assert named(below(ui.Modal)) == sorted(FORMS)


def test_every_option_with_choices(bot):
    """Every option whose choices come while it is typed is tested."""
    options = [(one, option) for one in bot.slash for option in one.parameters if option.autocomplete]
    assert sorted(f"/{one.qualified_name} {option.name}" for one, option in options) == sorted(CHOICES)


@pytest.mark.parametrize("what", ROWS)
def test_its_tests_are_there(what):
    """There is a test of its success, of its refusal and of bad input."""
    assert len(ROWS[what]) == 3
    for shown in ROWS[what]:
        file, _, name = shown.rpartition(": ")[2].partition("::")
        assert name in names_in(file), shown


@pytest.mark.parametrize("file", FILES)
def test_nothing_breaks_discords_rules(file):
    """Whatever makes a Discord for a test or for a file of tests asserts that nothing sent there broke its rules."""
    text = (HERE / file).read_text(encoding="utf-8")
    for one in ast.parse(text).body:
        part = ast.get_source_segment(text, one)
        assert part.count("violations == []") >= part.count("LoopbackDiscord("), part
