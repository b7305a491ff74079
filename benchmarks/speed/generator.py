"""Sentences beyond the real ones: halves of real sentences, put together anew. Pure, and the same for the same seed.

Only plain sentences are taken apart (letters, figures, commas and one full stop), so that what comes out begins with a
capital, ends with its only full stop, and is one sentence to any splitter. What it says is nonsense; its words, their
frequencies and its length are those of real sentences.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.speed.adapters.protocol import Given

ARTICLE = 30  # sentences
_PARAGRAPH = (4, 6)  # sentences, fewest and most
_PLAIN = re.compile(r"[A-Z][A-Za-z]*(?: [A-Za-z0-9,'-]+){7,44}(?<=[a-z]{4})\.")
_ALIKE = 0.7  # the shorter one's length in proportion to the other's
_THEMES = 40  # sentences in a row of the source that the halves of one article are taken from
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Real:
    """A real sentence, and the title it stands under."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Mixed:
    """A sentence that was put together, and the numbers of the sources that its halves come from."""

    text: str
    first: int
    second: int


def is_plain(text: str) -> bool:
    """Whether a sentence can be taken apart."""
    return _PLAIN.fullmatch(text) is not None


def mixed(sources: Sequence[Real], known: set[str], seed: int) -> Iterator[tuple[str, list[Mixed]]]:
    """Without end, the title and sentences of one article after the other; none repeats another or one of `known`,
    which they are added to.

    The halves come from two stretches of the sources, so that an article has two themes, as its title says.

    Raises:
        ValueError: the sources have no more to give.
    """
    numbers = [number for number, one in enumerate(sources) if is_plain(one.text)]
    if len(numbers) < 2:
        raise ValueError("there are no plain sentences to take apart")
    chance = random.Random(seed)  # noqa: S311 — no secret
    failed = 0
    while failed < _TRIES:
        first, second = (_stretch(numbers, chance) for _ in range(2))
        article: list[Mixed] = []
        for _ in range(ARTICLE * _TRIES):
            made = _joined(sources, chance.choice(first), chance.choice(second))
            if made is not None and made.text not in known:
                known.add(made.text)
                article.append(made)
                if len(article) == ARTICLE:
                    titles = dict.fromkeys(sources[chosen[0]].title for chosen in (first, second))
                    yield " and ".join(titles), article
                    failed = 0
                    break
        else:
            known.difference_update(one.text for one in article)
            failed += 1
    raise ValueError("there are too few plain sentences to make another article of")


def _stretch(numbers: Sequence[int], chance: random.Random) -> Sequence[int]:
    start = chance.randrange(max(1, len(numbers) - _THEMES))
    return numbers[start : start + _THEMES]


def _joined(sources: Sequence[Real], first: int, second: int) -> Mixed | None:
    """The first half of one and the second of the other; None where their lengths differ much."""
    lengths = sorted((len(sources[first].text), len(sources[second].text)))
    if first == second or lengths[0] < _ALIKE * lengths[1]:
        return None
    begins, ends = sources[first].text.split(), sources[second].text.split()
    return Mixed(" ".join(begins[: len(begins) // 2] + ends[len(ends) // 2 :]), first, second)


def laid_out(source: str, title: str, sentences: Sequence[str], chance: random.Random) -> Given:
    """An article in paragraphs of 4 to 6 sentences."""
    paragraphs, start = [], 0
    while start < len(sentences):
        end = start + chance.randint(*_PARAGRAPH)
        paragraphs.append(tuple(sentences[start:end]))
        start = end
    return Given(source, title, tuple(paragraphs))
