"""What /settings shows: how a server's settings stand, in words, and the menus and buttons that change them.

It only looks: what a change does is in `preferences`. A menu's first entry is what holds where nothing is set.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import discord

from cogs.access import may_write
from cogs.markdown import escape, label
from cogs.settings import Settings
from cogs.speech import ENGLISH, LANGUAGES, _, language_name, language_of, listed, mark, n_, number
from records.preferences import Preferences

DEFAULT = "default"
"""The value of a menu's entry that leaves something as the operator, or Discord, has it."""

MOST = 25  # roles or channels in a menu; Discord allows no more
HITS = range(1, 11)
PRECISIONS: Mapping[float, str] = {
    0.6: mark("Answer often ({share})"),
    0.7: mark("Answer rather often ({share})"),
    0.8: mark("Answer when it looks right ({share})"),
    0.85: mark("Answer when fairly sure ({share})"),
    0.9: mark("Answer when quite sure ({share})"),
    0.95: mark("Only when sure ({share})"),
}
"""How many of the answers given should be right → what that comes to."""

TYPES = discord.ChannelType
ANSWERING = (TYPES.text, TYPES.news, TYPES.forum, TYPES.voice, TYPES.stage_voice)
SPEAKING = (TYPES.text, TYPES.news, TYPES.voice, TYPES.stage_voice)
KINDS: Mapping[str, tuple[discord.ChannelType, ...]] = {
    "channels": ANSWERING,
    "forums": (TYPES.forum,),
    "log_channel": SPEAKING,
}
"""The setting → what kinds of channels it may name."""

_COLOUR = 0x4E5058
_SHOWN = 20  # roles or channels named in a line; more are counted, and all are in the menu
_SHOWN_CLOSED = 5  # the same for channels in which the bot may not write


@dataclass(frozen=True, slots=True)
class Standing:
    """How a server's settings stand: what it has set, and the operator's settings for the rest."""

    guild: discord.Guild
    preferences: Preferences
    operators: Settings

    def roles(self) -> list[discord.Role]:
        """The chosen roles that there are, in the order in which they stand in the server."""
        found = [self.guild.get_role(one) for one in self.preferences.manager_roles]
        return sorted((one for one in found if one is not None), reverse=True)

    def channels(self, field: str) -> list[discord.abc.GuildChannel]:
        """The channels of this setting that there are, in their order."""
        chosen = getattr(self.preferences, field)
        ids: Collection[int] = chosen if isinstance(chosen, frozenset) else [one for one in [chosen] if one is not None]
        found = [self.guild.get_channel(one) for one in ids]
        return sorted((one for one in found if one is not None), key=lambda one: (one.position, one.id))

    def vanished(self) -> dict[str, object]:
        """The settings that name something deleted → their values without it. Where every channel that the server
        allowed is gone, that stays as it is: to answer everywhere is not what anybody chose."""
        wanted, here = self.preferences, frozenset(one.id for one in self.channels("channels"))
        cleaned: dict[str, object] = {
            "manager_roles": frozenset(one.id for one in self.roles()),
            "channels": here or wanted.channels,
            "forums": frozenset(one.id for one in self.channels("forums")),
            "log_channel": next((one.id for one in self.channels("log_channel")), None),
        }
        return {field: value for field, value in cleaned.items() if value != getattr(wanted, field)}


def embed(standing: Standing) -> discord.Embed:
    """How everything stands."""
    lines = [
        (_("Who manages the articles"), _managers(standing)),
        (_("Where I answer"), _answering(standing)),
        (_("Forums whose posts I answer unasked"), _forums(standing)),
        (_("Where I tell of failures"), _failures(standing)),
        (_("Sentences in an answer"), _hits(standing.preferences.hits, standing.operators)),
        (_("How sure I have to be"), _precision(standing.preferences.precision, standing.operators)),
        (_("Language"), _language(standing.preferences.language, standing.guild)),
        (_("Question log"), _log(standing.preferences)),
        (_("Direct messages"), _direct(standing.preferences)),
    ]
    text = "\n".join(f"**{name}**\n{value}" for name, value in lines)
    title = _("Settings of {server}", server=escape(label(standing.guild.name, 100)))
    shown = discord.Embed(title=title, description=text, colour=_COLOUR)
    return shown.set_footer(text=_hint())


def _hint() -> str:
    return _(
        "Discord shows the managing commands to those with “Manage Server”. To show them to other roles: Server "
        "Settings → Integrations → choose me → Command Permissions. Whoever sees them, I check the rights myself."
    )


# -- the lines


def _managers(standing: Standing) -> str:
    named = [one.mention for one in standing.roles()]
    theirs = standing.operators.manager_roles - standing.preferences.manager_roles
    operators = [one.mention for one in standing.guild.roles if one.id in theirs]
    named += [_("{role} (named by whoever runs me)", role=role) for role in operators]
    gone = len(standing.preferences.manager_roles) - len(standing.roles())
    parts = _counted_off(named, _SHOWN)
    if gone:
        parts.append(n_("{number} role that was deleted", "{number} roles that were deleted", gone))
    if not parts:
        return _("Everybody with “Manage Server”")
    return _("Everybody with “Manage Server”, and {roles}", roles=listed(parts))


def _answering(standing: Standing) -> str:
    found = standing.channels("channels")
    gone = len(standing.preferences.channels) - len(found)
    if not found and not gone:
        return _("Everywhere that I may write")
    if not found:
        return _(
            "Nowhere: every channel that was chosen for it has been deleted. Choose others, or reset the settings."
        )
    return _places(found, gone)


def _forums(standing: Standing) -> str:
    found = standing.channels("forums")
    gone = len(standing.preferences.forums) - len(found)
    return _places(found, gone) if found or gone else _("None")


def _failures(standing: Standing) -> str:
    if standing.preferences.log_channel is None:
        return _("Where the feed or page was added that fails")
    found = standing.channels("log_channel")
    return _places(found, 1 - len(found))


def _places(found: list[discord.abc.GuildChannel], gone: int) -> str:
    """These channels, those that were deleted, and those in which the bot may not write."""
    parts = _counted_off([one.mention for one in found], _SHOWN)
    if gone:
        parts.append(n_("{number} channel that was deleted", "{number} channels that were deleted", gone))
    closed = _counted_off([one.mention for one in found if not is_open(one)], _SHOWN_CLOSED)
    text = listed(parts)
    return text + "\n" + _("I may not write in {channels}.", channels=listed(closed)) if closed else text


def _counted_off(parts: list[str], most: int) -> list[str]:
    """The first of these, and how many more there are."""
    more = len(parts) - most
    return parts if more <= 0 else [*parts[:most], n_("{number} more", "{number} more", more)]


def is_open(channel: discord.abc.GuildChannel) -> bool:
    """Whether the bot may write in a channel, or in a forum's posts."""
    return may_write(channel.permissions_for(channel.guild.me), in_thread=isinstance(channel, discord.ForumChannel))


def _hits(hits: int | None, operators: Settings) -> str:
    if hits is None:
        return _("As whoever runs me has it: {number} at most", number=operators.hits)
    return _("{number} at most", number=hits)


def _precision(precision: float | None, operators: Settings) -> str:
    if precision is None:
        return _("As whoever runs me has it: {words}", words=_in_words(operators.precision))
    return _in_words(precision)


def _in_words(precision: float) -> str:
    nearest = min(PRECISIONS, key=lambda one: abs(one - precision))
    return _(PRECISIONS[nearest], share=number(precision))


def _language(language: str | None, guild: discord.Guild) -> str:
    if language is None:
        language = language_name(language_of(guild.preferred_locale) or ENGLISH)
        return _("As Discord has it: each reader’s own, and {language} where I speak to everybody", language=language)
    return _("Each reader’s own, and {language} where I speak to everybody", language=language_name(language))


def _log(preferences: Preferences) -> str:
    if preferences.log_questions:
        return _("On: what is asked openly here is kept, with what was found and whether it helped. Tell your members.")
    return _("Off: no question is kept")


def _direct(preferences: Preferences) -> str:
    if preferences.direct:
        return _("On: members may ask this server’s articles in direct messages, too")
    return _("Off: this server’s articles are asked in the server only")


# -- the menus


def role_menu(custom_id: str, standing: Standing | None) -> "discord.ui.RoleSelect[discord.ui.View]":
    """The menu of roles that manage; without a standing only its id matters."""
    return discord.ui.RoleSelect(
        custom_id=custom_id,
        placeholder=_("Roles that manage the articles, too"),
        min_values=0,
        max_values=MOST,
        default_values=standing.roles()[:MOST] if standing else [],
    )


def channel_menu(custom_id: str, field: str, standing: Standing | None) -> "discord.ui.ChannelSelect[discord.ui.View]":
    """The menu of a setting that names channels."""
    most = 1 if field == "log_channel" else MOST
    placeholders = {
        "channels": _("Channels in which I answer; none: all"),
        "forums": _("Forums whose posts I answer unasked"),
        "log_channel": _("Channel in which I tell of failures"),
    }
    chosen = standing.channels(field) if standing else []
    return discord.ui.ChannelSelect(
        custom_id=custom_id,
        placeholder=placeholders[field],
        channel_types=list(KINDS[field]),
        min_values=0,
        max_values=most,
        default_values=[discord.SelectDefaultValue.from_channel(one) for one in _of_kinds(chosen, field)[:most]],
    )


def _of_kinds(channels: Iterable[discord.abc.GuildChannel], field: str) -> list[discord.abc.GuildChannel]:
    return [one for one in channels if one.type in KINDS[field]]


def choice_menu(custom_id: str, field: str, standing: Standing | None) -> "discord.ui.Select[discord.ui.View]":
    """The menu of a setting that takes one of a few values, with the present one chosen."""
    menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(custom_id=custom_id)
    if standing is None:
        return menu
    said: Mapping[str, Callable[[object], str]] = {
        "hits": lambda value: _hits_offered(value, standing.operators),
        "precision": lambda value: _precision(value, standing.operators),  # type: ignore[arg-type]
        "language": lambda value: _language_offered(value, standing.guild),
    }
    present = getattr(standing.preferences, field)
    for text, value in choices(field).items():
        menu.add_option(label=said[field](value)[:100], value=text, default=value == present)
    return menu


def choices(field: str) -> dict[str, object]:
    """The values that this setting may have, by those of its menu's entries."""
    values: Iterable[object] = {"hits": HITS, "precision": PRECISIONS, "language": LANGUAGES}[field]
    return {DEFAULT: None} | {str(value): value for value in values}


def _hits_offered(value: object, operators: Settings) -> str:
    if value is None:
        return _("As many sentences as whoever runs me has it ({number})", number=operators.hits)
    assert isinstance(value, int)  # noqa: S101 — see HITS
    return n_("At most {number} sentence in an answer", "At most {number} sentences in an answer", value)


def _language_offered(value: object, guild: discord.Guild) -> str:
    assert value is None or isinstance(value, str)  # noqa: S101 — see LANGUAGES
    if value is None:
        language = language_name(language_of(guild.preferred_locale) or ENGLISH)
        return _("Language: that of the server in Discord ({language})", language=language)
    return _("Language: {language}", language=LANGUAGES[value])
