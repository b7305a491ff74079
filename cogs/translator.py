"""The names and descriptions of commands in the languages that Discord shows them in.

The words are those of `speech`. Commands keep their English names, so that what one person writes of another finds;
only the entries of menus, which nobody types, are translated whole.
"""

from collections.abc import Mapping

import discord
from discord import app_commands

from cogs.speech import ENGLISH, LANGUAGES, _, speaking

LOCALES: Mapping[discord.Locale, str] = {
    discord.Locale.german: "de",
    discord.Locale.spain_spanish: "es",
    discord.Locale.latin_american_spanish: "es",
    discord.Locale.french: "fr",
    discord.Locale.ukrainian: "uk",
}
"""Discord's locale → the language that it is spoken to in; English needs none."""

_Where = app_commands.TranslationContextLocation
_DESCRIBED = {_Where.command_description, _Where.group_description, _Where.parameter_description, _Where.choice_name}
_LONGEST = {_Where.command_name: 32}
_LONGEST_DESCRIPTION = 100


class Translator(app_commands.Translator):
    """Translates what is shown, and leaves what is typed."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        language = LOCALES.get(locale)
        is_menu = context.location is _Where.command_name and isinstance(context.data, app_commands.ContextMenu)
        if language is None or not (context.location in _DESCRIBED or is_menu):
            return None
        with speaking(language):
            text = _(string.message)
        return text[: _LONGEST.get(context.location, _LONGEST_DESCRIPTION)]


assert set(LOCALES.values()) | {ENGLISH} == set(LANGUAGES)  # noqa: S101 — a language added to one is missing in the other
