"""How the bot does under load: the real process and the real model, against a Discord on the loopback.

    python tests/load_discord.py [--json FILE] [--fast] [--questions N] [--seconds N]

Twenty servers, each with articles of its own about a thing that no other server has; fifty people, four questions of
each, 200 questions within ten seconds, three quarters by `/ask` and one quarter by mention. One server is loud: twelve
of the people are in it, and ask their 48 questions within the first second. Meanwhile the operator's `/reindex` reads
250 articles of twenty sentences, all distinct. `--fast` takes an encoder of word hashes instead of the model.

What is told of it:

- acknowledged: seconds from a command to the bot's first word to Discord, which waits for three;
- answered: seconds from a question to its answer;
- order: the questions of quiet servers have to be answered about when they come, however much the loud one asks.
  `overtaken` is how many later questions of the *same* person were answered before one, at most and on average;
  `quiet` and `loud` are the median seconds of those servers' questions, and Jain's index ((sum of x)² / (n · sum of
  x²)) says how evenly the quiet servers, and their people, waited: 1 is all alike;
- lag: how long the event loop was kept from going round, by the clock and by its own use of the processor; `starting`
  is the worst lag before, while the model was loaded.
"""

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [path for path in (str(HERE.parent), str(HERE)) if path not in sys.path]

from discord_loopback import BotProcess, Channel, Guild, Interaction, LoopbackDiscord, Message, User  # noqa: E402

from index.article import Article  # noqa: E402
from index.corpus import Library  # noqa: E402
from index.encoder import Encoder  # noqa: E402
from index.encoders import ModelEncoder  # noqa: E402
from index.indexer import Indexer  # noqa: E402

SERVERS, PEOPLE, EACH = 20, 50, 4
LOUD_PEOPLE, LOUD_WITHIN = 12, 1.0  # in the loud server, whose questions come within so many seconds
ARTICLES, SENTENCES = 250, 20  # of the run meanwhile
THINGS = (
    "anvil barometer compass dulcimer easel flute gondola harp icebox jacket kettle lantern mandolin needle organ "
    "pendulum quilt rudder saddle telescope"
).split()
_TOWNS = "Aldbrook Birchley Coldwater Dunmore Eastwick Fernhill Greyport Hollin Ivybridge Juniper".split()
_GOODS = "barley candles copper flour glass hides linen oak salt slate tallow timber wax wool".split()


def parcel(number: int) -> str:
    """A sentence that no other number gives."""
    chance = random.Random(number)
    town, other = chance.sample(_TOWNS, 2)
    goods = chance.choice(_GOODS)
    return f"Parcel {number} of {goods} left {town} for {other} on day {number % 365}, and weighed {number * 3} pounds."


@dataclass(frozen=True)
class Fact:
    question: str
    says: str  # what the answer has to say


def facts(thing: str) -> list[Fact]:
    """Four questions about a server's thing, with what its articles alone say."""
    number = 11 + THINGS.index(thing)
    return [
        Fact(f"When was the {thing} workshop founded?", f"The {thing} workshop was founded in 18{number}"),
        Fact(f"Who owns the {thing} workshop?", f"The {thing} workshop is owned by a cooperative of {number} families"),
        Fact(f"How long does it take to make a {thing}?", f"It takes {number} days to make a {thing}"),
        Fact(f"Where can visitors see the oldest {thing}?", f"Visitors can see the oldest {thing} in room {number}"),
    ]


def articles(thing: str) -> list[Article]:
    founded, owned, takes, seen = (fact.says for fact in facts(thing))
    return [
        Article(
            "/workshop", f"The {thing} workshop", f"{founded}. {owned}. The workshop opens its doors on Saturdays."
        ),
        Article(
            "/making", f"Making a {thing}", f"{takes}. The first step is to choose the wood. The last is a coat of oil."
        ),
        Article("/museum", "The museum", f"The museum stands beside the mill. {seen}. A guide reads aloud at noon."),
    ]


@dataclass
class Asked:
    """A question on its way; times in seconds since the first."""

    server: int
    person: int
    fact: Fact
    at: float
    by_mention: bool
    sent: float = 0.0
    thing: Interaction | Message | None = None
    answered: float | None = None
    text: str = ""


@dataclass
class Figures:
    """What came of it; times in seconds."""

    questions: int = 0
    lost: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)  # answered from another server's articles
    wrong: list[str] = field(default_factory=list)  # answered, but not with what the articles say
    asked_within: float = 0.0
    run_lasted: float = 0.0
    run_outlasts_questions: bool = False
    acknowledged: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    overtaken_most: int = 0
    overtaken_mean: float = 0.0
    quiet: float = 0.0
    loud: float = 0.0
    evenly_servers: float = 0.0
    evenly_people: float = 0.0
    lag: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def schedule(questions: int, seconds: float) -> list[Asked]:
    """Who asks what where and when: server 0 is the loud one; everybody else takes turns, evenly over the time."""
    chance = random.Random(1)
    found = []
    for number in range(questions):
        person, turn = number % PEOPLE, number // PEOPLE
        loud = person < LOUD_PEOPLE
        server = 0 if loud else 1 + (person - LOUD_PEOPLE) % (SERVERS - 1)
        at = chance.uniform(0, LOUD_WITHIN) if loud else seconds * number / questions
        found.append(Asked(server, person, facts(THINGS[server])[turn % 4], at, by_mention=number % 4 == 3))
    return sorted(found, key=lambda one: one.at)


@contextmanager
def world(discord: LoopbackDiscord) -> Iterator[tuple[list[Guild], list[User]]]:
    guilds = [*discord.guilds, *(discord.add_guild(f"Server {n}") for n in range(len(discord.guilds), SERVERS))]
    people = []
    for number in range(PEOPLE):
        server = 0 if number < LOUD_PEOPLE else 1 + (number - LOUD_PEOPLE) % (SERVERS - 1)
        people.append(discord.add_person(f"person-{number}", guilds[server]))
    yield guilds, people


def fill(folder: Path, guilds: Sequence[Guild], encoder: Encoder) -> None:
    """Indexes each server's articles, and writes the operator's, which the bot is to index under load."""
    library = Library(folder / "data", encoder)
    for guild, thing in zip(guilds, THINGS, strict=True):
        corpus = library.corpus(guild.id, create=True)
        assert corpus is not None
        Indexer(corpus.store, encoder).add_articles(articles(thing))
    library.close()
    (folder / "articles").mkdir(exist_ok=True)
    for number in range(ARTICLES):
        said = " ".join(parcel(number * SENTENCES + n) for n in range(SENTENCES))
        (folder / "articles" / f"parcels-{number:03}.txt").write_text(f"Parcels {number}\n\n{said}\n")
    (folder / "config.toml").write_text("")


def ask_all(discord: LoopbackDiscord, guilds: Sequence[Guild], people: Sequence[User], asked: Sequence[Asked]) -> None:
    began = time.monotonic()
    for one in asked:
        time.sleep(max(0.0, began + one.at - time.monotonic()))
        channel, person = guilds[one.server].channel("general"), people[one.person]
        one.sent = time.monotonic()
        if one.by_mention:
            one.thing = discord.say(channel, person, f"{discord.bot.mention} {one.fact.question}")
        else:
            one.thing = discord.slash(channel, person, "ask", {"question": one.fact.question})


def collect(discord: LoopbackDiscord, guilds: Sequence[Guild], asked: Sequence[Asked], patience: float) -> None:
    """Waits for the answers, and notes when each was there."""

    def answer_of(one: Asked) -> bool:
        if one.answered is not None:
            return True
        if isinstance(one.thing, Interaction):
            if one.thing.answered and one.thing.answered_after is not None:
                one.answered, one.text = one.thing.answered_after, one.thing.text
        elif isinstance(one.thing, Message):
            replies = discord.replies(one.thing)
            if replies:
                one.text = "\n".join(reply.text for reply in replies)
                one.answered = said_at(discord, one.thing, one.thing.channel) - one.sent
        return one.answered is not None

    until = time.monotonic() + patience
    while sum(answer_of(one) for one in asked) < len(asked) and time.monotonic() < until:
        time.sleep(0.05)


def said_at(discord: LoopbackDiscord, message: Message, channel: Channel) -> float:
    """When the reply to this message came in."""
    for request in discord.sent("POST", f"/channels/{channel.id}/messages$"):
        reference = (request.body or {}).get("message_reference") or {}
        if str(reference.get("message_id")) == str(message.id):
            return float(request.at)
    return time.monotonic()


def measure(folder: Path, *, questions: int = SERVERS * 10, seconds: float = 9.5, fast: bool = False) -> Figures:
    """Runs the load in an empty folder; returns what came of it."""
    watched = [sys.executable, HERE / "loopback_watched.py", folder / "watch.json"]
    if fast:
        from conftest import HashEncoder

        encoder: Encoder = HashEncoder(1024, model="hash")
        options = json.dumps({"model": "hash", "dimension": 1024, "every": 1e6, "first": 1e6})
        command = [*watched, HERE / "loopback_bot.py", folder, options]
    else:
        encoder = ModelEncoder()
        command = [*watched, HERE.parent / "bot.py", "--config", folder / "config.toml"]
    with LoopbackDiscord(schema=False) as discord, world(discord) as (guilds, people):
        fill(folder, guilds, encoder)
        with BotProcess(discord, command, cwd=HERE.parent) as process:
            process.wait_ready(120)
            warm = discord.slash(guilds[0].channel("help"), guilds[0].owner, "ask", {"question": "Is it warm?"})
            warm.wait_for_answer(120)
            began = time.monotonic()
            run = discord.slash(guilds[0].channel("help"), discord.operator, "reindex")
            run.wait_for(lambda self: self.message and "Reading" in self.message.text, 60)
            starting = json.loads((folder / "watch.json").read_text(encoding="utf-8"))["wall"]
            process.send_signal(signal.SIGUSR1)
            asked = schedule(questions, seconds)
            ask_all(discord, guilds, people, asked)
            outlasts = not _reported(run)
            collect(discord, guilds, asked, 60)
            time.sleep(1.2)  # the watch reports every second
            lag = json.loads((folder / "watch.json").read_text(encoding="utf-8")) | {"starting": starting}
            run.wait_for(_reported, 300)
            lasted = time.monotonic() - began
        discord.check_afterwards()  # the bot is not to wait for that
        return figures(asked, lag, [str(one) for one in discord.violations], outlasts=outlasts, lasted=lasted)


def _reported(run: Interaction) -> bool:
    return "encoded" in run.text and "Reading" not in run.text


def figures(
    asked: Sequence[Asked], lag: dict[str, Any], violations: list[str], *, outlasts: bool, lasted: float
) -> Figures:
    found = Figures(len(asked), lag=lag, violations=violations, run_outlasts_questions=outlasts, run_lasted=lasted)
    found.asked_within = max(one.sent for one in asked) - min(one.sent for one in asked)
    for one in asked:
        told = f"{one.fact.question} → {one.text[:200]!r}"
        others = [thing for number, thing in enumerate(THINGS) if number != one.server and thing in one.text.lower()]
        if one.answered is None or (isinstance(one.thing, Interaction) and one.thing.acknowledged_after is None):
            found.lost.append(told)
        elif others:
            found.strangers.append(told)
        elif one.fact.says not in one.text.replace("*", ""):
            found.wrong.append(told)
    found.acknowledged = sorted(
        one.thing.acknowledged_after
        for one in asked
        if isinstance(one.thing, Interaction) and one.thing.acknowledged_after is not None
    )
    answered = [one for one in asked if one.answered is not None]
    found.answered = sorted(one.answered or 0.0 for one in answered)
    overtaken = [
        sum(
            other.person == one.person
            and other.sent > one.sent
            and other.sent + (other.answered or 0.0) < one.sent + (one.answered or 0.0)
            for other in answered
        )
        for one in answered
    ]
    found.overtaken_most, found.overtaken_mean = max(overtaken, default=0), statistics.fmean(overtaken or [0])
    quiet = [one for one in answered if one.server]
    found.quiet = statistics.median([one.answered or 0.0 for one in quiet] or [0.0])
    found.loud = statistics.median([one.answered or 0.0 for one in answered if not one.server] or [0.0])
    found.evenly_servers = evenness(_means(quiet, "server"))
    found.evenly_people = evenness(_means(quiet, "person"))
    return found


def _means(asked: Sequence[Asked], by: str) -> list[float]:
    groups: dict[int, list[float]] = {}
    for one in asked:
        groups.setdefault(getattr(one, by), []).append(one.answered or 0.0)
    return [statistics.fmean(times) for times in groups.values()]


def evenness(values: Sequence[float]) -> float:
    """Jain's index: 1 where all are alike, 1/n where one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value**2 for value in values)) if any(values) else 1.0


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def told(found: Figures) -> str:
    """The figures in words."""

    def times(name: str, values: Sequence[float]) -> str:
        return f"{name}: p50 {_at(values, 0.5):.3f} s, p95 {_at(values, 0.95):.3f} s, max {_at(values, 1.0):.3f} s"

    lag = found.lag
    lines = [
        f"{found.questions} questions within {found.asked_within:.1f} s; the index run took {found.run_lasted:.1f} s"
        f" and {'outlasted' if found.run_outlasts_questions else 'ended before the last of'} them",
        f"lost {len(found.lost)}, from another server's articles {len(found.strangers)}, wrong {len(found.wrong)},"
        f" against Discord's rules {len(found.violations)}",
        times("acknowledged", found.acknowledged),
        times("answered", found.answered),
        f"order: overtaken by one's own at most {found.overtaken_most}, on average {found.overtaken_mean:.2f};"
        f" median wait in quiet servers {found.quiet:.2f} s, in the loud one {found.loud:.2f} s; Jain's index of quiet"
        f" servers {found.evenly_servers:.3f}, of their people {found.evenly_people:.3f}",
        f"event loop: {lag['beats']} beats in {lag['seconds']:.1f} s; worst lag {1000 * lag['wall']:.0f} ms, p99"
        f" {1000 * lag['wall_p99']:.1f} ms, {lag['over_100ms']} over 100 ms; most of the processor between two beats"
        f" {1000 * lag['cpu']:.0f} ms; worst lag while starting {1000 * lag['starting']:.0f} ms",
    ]
    for cpu, wall, generation, thread in lag["collections"][:2]:
        took = f"{1000 * cpu:.0f} ms of the processor, {1000 * wall:.0f} ms by the clock"
        lines.append(f"  garbage of generation {generation} collected in {took}, on {thread}")
    for one in lag["worst"][:3]:
        lines.append(f"  {1000 * one['wall']:.0f} ms" + (", while" if one["doing"] else ""))
        lines += [f"    {line[:160]}" for line in one["doing"]]
    lines += [f"  ! {line}" for line in (*found.lost, *found.strangers, *found.wrong)[:10]]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/load_discord.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--fast", action="store_true", help="with an encoder of word hashes, which takes no time")
    parser.add_argument("--questions", type=int, default=SERVERS * 10, metavar="N", help="how many are asked")
    parser.add_argument("--seconds", type=float, default=9.5, metavar="N", help="how long they take to come")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), questions=options.questions, seconds=options.seconds, fast=options.fast)
    print(told(found))
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    return int(bool(found.lost or found.strangers or found.wrong or found.violations))


if __name__ == "__main__":
    sys.exit(main())
