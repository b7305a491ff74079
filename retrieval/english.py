"""The closed classes of English, and the open words that say little: what the rules in `anaphora` go by.

Values only. A language added later gets a `Rules` of its own here.
"""

from dataclasses import dataclass


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


@dataclass(frozen=True, slots=True)
class Rules:
    """The closed classes of a language's words, and the open ones that say little."""

    fillers: frozenset[str]  # may open a question and mean nothing
    openers: frozenset[str]  # conjunctions that tie a question to what was said before
    asking: frozenset[str]
    quantities: frozenset[str]
    be: frozenset[str]
    helpers: frozenset[str]  # verbs that stand before the subject in a question
    doing: frozenset[str]
    having: frozenset[str]  # of these, those that may be the only verb
    determiners: frozenset[str]
    prepositions: frozenset[str]
    boundaries: frozenset[str]  # begin a clause
    relatives: frozenset[str]  # of these, those that may mean the noun before them
    personal: frozenset[str]
    possessive: frozenset[str]
    demonstrative: frozenset[str]
    substitutes: frozenset[str]  # other words that may mean something named before
    partners: frozenset[str]  # whoever talks
    other: frozenset[str]  # function words besides
    weak: frozenset[str]  # ask for a property, or carry a question, without telling of what
    spans: frozenset[str]  # of time: "this year" needs no other question
    judging: frozenset[str]  # "is it true that", "is it safe to"
    costing: frozenset[str]  # "how long does it take to"
    judged: frozenset[str]  # what follows then
    weather: frozenset[str]
    picking: frozenset[str]  # before "one" that means a thing

    @property
    def closed(self) -> frozenset[str]:
        return (
            self.fillers | self.openers | self.asking | self.be | self.helpers | self.determiners | self.prepositions
        ) | (self.boundaries | self.personal | self.possessive | self.demonstrative | self.partners | self.other)


ENGLISH = Rules(
    fillers=_set("ah great hello hey hi hm hmm no now oh ok okay please right so sorry sure thank thanks well yes"),
    openers=_set("also and but or plus"),
    asking=_set("how what when where which who whom whose why"),
    quantities=_set("many much"),
    be=_set("am are be been being is isn't aren't was wasn't were weren't"),
    helpers=_set(
        "can can't could couldn't did didn't do does doesn't don't had has have may might must shall should shouldn't "
        "will won't would wouldn't"
    ),
    doing=_set("did do does"),
    having=_set("had has have"),
    determiners=_set("a all an any both each either every few many more most much no some the two three several"),
    prepositions=_set(
        "about above across against along among around at behind below beneath beside between by down during for from "
        "in inside into near of off on onto out outside over past per round through to toward towards under up upon "
        "via with within without"
    ),
    boundaries=_set(
        "after although and as because before but if or since so than that though unless until when where whether "
        "which while who whose"
    ),
    relatives=_set("that which who whose"),
    personal=_set("he him it she them they herself himself itself themselves"),
    possessive=_set("her hers his its their theirs"),
    demonstrative=_set("that these this those"),
    substitutes=_set("one ones then there"),
    partners=_set("i me mine my our ours us we you your yours"),
    other=_set(
        "again already always anybody anyone anything else even ever exactly here just later long nobody not nothing "
        "one ones only other others own quite really same somebody someone something still such then there too very yet"
    ),
    weak=_set(
        "amount amounts big call called cause caused change changed come comes cost costs date day days deep far fast "
        "get gets give go goes happen happened happens high hour hours kind know large last lasted length look mean "
        "means minute minutes month name number old part people percent person place point price reason result say "
        "says size small sort start starts stop take takes tall tell thing things time times use way week weeks wide "
        "work works year years"
    ),
    spans=_set("afternoon autumn century day evening month morning night season spring summer time week winter year"),
    judging=_set(
        "allowed announced bad believed best better certain claimed clear common confirmed dangerous decided difficult "
        "discovered easy enough expected fine forbidden found good hard illegal important impossible known legal "
        "likely necessary normal ok okay permitted possible reported required revealed safe said sensible shown "
        "thought time true unlikely useful wise worth"
    ),
    costing=_set("cost costs help helps make makes mean means matter matters need require requires take takes"),
    judged=_set("for if that to when whether"),
    weather=_set("dark light rain raining rains snow snowing snows"),
    picking=_set("another first last latter former new next old only other same second that the third this which"),
)
