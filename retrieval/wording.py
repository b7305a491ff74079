"""English words that decide whether two claims agree: opposites, near-synonyms, denials, doubts. Data and no rules.

The lists are general, not made for any article. They can't be whole: what they lack is met by the caution of the
rules that use them.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from index.lexical import terms


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The index term of one word; "" for what is none."""
    return "".join(terms(word))


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


def family(word: str) -> str:
    """The stem that stands for a word and its near-synonyms."""
    return SYNONYMS.get(stem(word), stem(word))


def _pairs(lines: str) -> Mapping[str, frozenset[str]]:
    """`a b/c`: a against b and against c, and the other way round."""
    opposites: dict[str, set[str]] = {}
    for pair in lines.split(","):
        ones, others = (side.split("/") for side in pair.split())
        for one in map(family, ones):
            for other in map(family, others):
                opposites.setdefault(one, set()).add(other)
                opposites.setdefault(other, set()).add(one)
    return {word: frozenset(against) for word, against in opposites.items()}


def _classes(lines: str) -> Mapping[str, str]:
    named: dict[str, str] = {}
    for line in lines.split(","):
        first, *more = map(stem, line.split())
        for one in (first, *more):
            named.setdefault(one, first)
    return named


SYNONYMS = _classes(
    """
    kill died die dead death deaths, begin begins began begun start, end finish, buy bought purchase acquire, resign
    quit, strike strikes, beat defeat overcome, big large huge, car vehicle, house home, child children kids, pledge
    promise vow commit assure, aid help assist assistance, extra additional further more, close closed shut, repair
    mend fix, electricity power, need require, display show, select pick choose, injure injured hurt wound wounded,
    accident crash, fire blaze, get receive obtain, let allow permit, retain keep, annual yearly, whole entire,
    every all, near close nearby, quick rapid swift, remain stay stayed, ill sick, shop store, town city, talk talks
    negotiations, meet met meeting, war conflict, attack assault strike, supply provide deliver, member members,
    make made, build built construct, country nation state, police officers, about concerning regarding, mobilise
    mobilize, harm damage, effort endeavor endeavour, rebuild rebuilding, road street, picture
    image photo, mayor mayoral, money funds, use used employ, final finals, lend lent loan, break broke broken,
 give gave given, take took taken, go went gone, come came, see saw seen, find found, leave left,
    lose lost, win won, fall fell fallen, rise rose risen, grow grew grown, sell sold, send sent, speak spoke
    spoken, write wrote written, hold held, lead led, run ran, drive drove driven, fly flew flown, throw threw
    thrown, know knew known, draw drew drawn, choose chose chosen, eat ate eaten, bring brought, catch caught, teach
    taught, think thought, spend spent, feel felt, keep kept, sleep slept, sit sat, stand stood, swim swam swum,
    sing sang sung, shoot shot, shrink shrank shrunk, steal stole stolen, tear tore torn, wear wore worn, bear bore
    borne, bite bit bitten, hide hid hidden, ride rode ridden, forbid forbade forbidden, forget forgot forgotten,
    freeze froze frozen, blow blew blown, show shown, lay laid, lie lay lain, pay paid, feed fed, bleed bled, fight
    fought, seek sought, learn learnt, burn burnt, become became, withdraw withdrew withdrawn, overtake overtook
    """.replace("\n", " ")
)
"""Stem → the stem that stands for it and the like."""

OPPOSITES = _pairs(
    """
    open/opened/reopen close/closed/shut, win/won lose/lost/defeat, rise/rose/risen/grow/grew/increase/climb
    fall/fell/fallen/drop/decline/decrease/shrink/shrank/sink, accept/approve/allow/permit/agree/back/support/welcome
    reject/refuse/deny/forbid/forbidden/ban/prohibit/block/oppose/criticise/veto/decline, start/begin/began/begun
    stop/end/finish/cease, add/introduce/insert remove/delete/drop/scrap/withdraw/withdrew, buy/bought sell/sold,
    guilty innocent/acquit, convict acquit/clear, legal/lawful illegal/unlawful,
    male/man/boy/father/son/brother/husband/men female/woman/girl/mother/daughter/sister/wife/women, first
    last/second, early/earlier late/later, large/larger/largest/big/bigger/biggest small/smaller/smallest,
    long/longer/longest short/shorter/shortest, high/higher/highest/tall/taller low/lower/lowest, narrow wide/broad,
    strong/stronger weak/weaker, hot/warm/warmer cold/cool/colder/cooler, dry wet/damp, fast/faster/quick
    slow/slower, cheap/cheaper expensive/costly/dear, rich poor, young/younger old/older, new old, north/northern
    south/southern, east/eastern west/western, left right, front rear/back, top bottom, upper lower, inside/indoors
    outside/outdoors, day night, morning evening/afternoon/night, spring/summer autumn/winter, spring summer, autumn
    winter, arrive/arrived depart/leave/left, enter leave/exit, push pull, lock unlock, online offline, enable
    disable, connect disconnect, install uninstall, tighten loosen, fill empty/drain, empty full, heal
    hurt/harm/damage/wound, save/rescue kill/destroy, alive/survive dead/die/died/kill, safe dangerous/unsafe,
    healthy sick/ill, true/correct/right false/wrong/untrue/incorrect, good/better/best bad/worse/worst, gain/won
    lose/lost, lend/lent borrow, pay receive/earn, success/succeed/successful fail/failure/failed, attack defend,
    ally enemy, friend enemy, public private/secret, free paid/charge, possible impossible, able unable, likely
    unlikely, always never/sometimes/rarely/seldom, often rarely/seldom/never, everybody/everyone nobody/none,
    everything nothing, increase/raise/raised reduce/cut/lower/cutting, include exclude, join leave/quit, hire
    dismiss/sack/fire, build/built demolish/destroy, appear/appeared vanish/disappear, remember forget/forgot, love
    hate, like dislike, profit loss, import export, majority minority, maximum minimum, visible hidden/invisible,
    permanent temporary, voluntary compulsory/mandatory, optional required/mandatory, active passive/inactive,
    positive negative, move/moving still/stand/standing/stay, light dark/heavy, hard soft/easy, red
    green/blue/amber/yellow/black/white, black white, green blue, expand shrink, extend shorten, keep/kept
    drop/abandon/return, confirm deny/denied, same different, land launch, alone together, raw cooked, ally rival
    """.replace("\n", " ")
)
"""Stem → the stems that say the opposite, or exclude it."""

PHRASES: Mapping[tuple[str, str], str] = {
    (stem(a), stem(b)): stem(c)
    for a, b, c in (
        line.split()
        for line in """give way break, gave way break, stepped down resign, step down resign, turned down reject,
        turn down reject, walked out strike, walk out strike, set up establish, carry out perform, carried out
        perform, took place hold, take place hold, find out discover, found out discover, set aside earmark, went up
        rise, go up rise, went down fall, go down fall, put off postpone, called off cancel, call off cancel, set
        fire burn, give up abandon, gave up abandon, lost life kill, lost lives kill, free charge free, due to
        because, go strike strike, went strike strike, pay attention heed, hold up delay, held up delay, break out
        escape, shut down close, close down close, taken over buy, took over buy, take over buy""".replace(
            "\n", " "
        ).split(",")
        if len(line.split()) == 3
    )
}
"""Two stems in a row → the one that says the same."""

# A claim with words of one of these classes is not the claim without: the classes of both have to be the same.
MARKS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "negation": """no not nor never none neither nobody nothing nowhere without cannot hardly barely scarcely lack
            lacks lacking lacked can't don't doesn't didn't isn't aren't wasn't weren't won't wouldn't shouldn't
            couldn't hasn't haven't hadn't mustn't needn't mightn't""",
        "denial": """deny denies denied denying refuse refuses refused refusing reject rejects rejected decline declines
            declined fail fails failed failing unable instead avoid avoids avoided cancel cancels cancelled canceled
            postpone postpones postponed abandon abandons abandoned prevent prevents prevented false untrue wrong myth
            hoax rumour rumor forbid forbids forbade forbidden ban bans banned prohibit prohibits prohibited withdraw
            withdraws withdrew withdrawn nearly almost""",
        "possibility": "may might can could possible possibly able",
        "doubt": """perhaps maybe probably likely unlikely reportedly allegedly alleged apparently supposedly seem seems
            seemed appear appears appeared suspect suspects suspected believe believes believed think thinks thought
            suggest suggests suggested claim claims claimed unclear unconfirmed doubt doubts expect expects expected
            estimate estimates estimated would if unless whether""",
        "intention": """plan plans planned planning intend intends intended want wants wanted hope hopes hoped aim aims
            aimed consider considers considered considering propose proposes proposed seek seeks sought threaten
            threatens threatened try tries tried attempt attempts attempted offer offers offered ready""",
        "duty": "must shall need needs needed should require requires required obliged compulsory",
        "future": "will shall won't",
        "limit": """only sometimes occasionally often rarely seldom usually mostly partly partially half few several
            until except unless least mainly temporarily some many most""",
        "order": "then",
        "former": "former formerly previously ex used deputy vice acting assistant fake mock",
    }.items()
}
# Small words of which one excludes the other.
AGAINST = tuple(
    tuple(pair.split("/"))
    for pair in "before/after up/down on/off in/out above/below over/under to/from with/without more/less more/fewer "
    "most/least until/since".split()
)
# What follows these says which way round it is: "before noon", "than wet lube", "from the modem to the router".
DIRECTED = ("before", "after", "than", "from", "then", "until", "not", "no", "never", "without", "only")
PREPOSITIONS = frozenset(
    "in on at from to of for with by near into over under after before since until during than as via".split()
)
SAID = (
    "said says say told tells stated states announced announces reported reports added explained noted wrote disclosed "
    "revealed insisted stressed warned"
).split()
PRONOUNS = frozenset("this these he she they it his her their its him them i we our my us me himself herself".split())

# Words that hardly another language has.
ENGLISH = frozenset("the with were from been which their that and are its his they this would".split())


_OWNERS = frozenset("his her its their my our your".split())


def canonical(words: Iterable[str]) -> list[str]:
    """Stems, with phrases of two and synonyms each replaced by the one that stands for them."""
    stems: list[str] = []
    for word in words:
        if word in _OWNERS:  # lost their lives
            continue
        if stems and (whole := PHRASES.get((stems[-1], word))):
            stems[-1] = whole
        else:
            stems.append(word)
    return [SYNONYMS.get(one, one) for one in stems]
