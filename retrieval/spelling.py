"""Slips of the pen in a question: a word that no article has, and that the model does not know, gives way to a word of
the articles that it may have been meant for. Whoever asked is shown what was searched for.

What may have been meant is told by a weighted edit distance, after Kernighan, Church and Gale, "A Spelling Correction
Program Based on a Noisy Channel Model" (1990): what fingers do is a slip, and any other difference makes another word.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from index.corpus import CorpusView
from index.lexical import terms
from index.tokens import TokenVectors
from retrieval.question import Wording

_LETTERS = re.compile(r"[^\W\d_]+")
# What stands by itself: no part of an address, a name with digits or underscores, or a mention.
_WORD = re.compile(r"(?<![\w@#/.:\\-])[^\W\d_]{5,}(?![\w@/\\(-]|[.:]\w)")
_QUOTED = re.compile(r"[\"“„«»][^\"“”„«»]*[\"”“»«]|`[^`]*`|(?<!\w)['‘‚][^'‘’‚]*['’‘](?!\w)")
_SHORTEST_TERM = 4  # letters of a term that is looked at; shorter ones are near to too much
_LONG = 9  # letters from which on two slips are put right
_MOST_WORDS = 6  # of one question that are looked at; each costs a look through a part of the vocabulary
_NEAREST = 8  # terms whose words are looked at
_PASSAGES = 10  # … of each, in so many paragraphs
_ENDINGS = frozenset("s es ed ing er ers est ly".split())

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = frozenset(
    (one, other)
    for i, row in enumerate(_ROWS)
    for j, one in enumerate(row)
    # A row stands a little to the right of the one above it.
    for other in (*row[max(0, j - 1) : j], *row[j + 1 : j + 2], *"".join(_ROWS[i - 1 : i])[j : j + 2],
                  *"".join(_ROWS[i + 1 : i + 2])[max(0, j - 1) : j + 1])
)  # fmt: skip
_NEVER = 9  # what no finger does counts as more slips than are ever put right


def slips(question: str, views: Sequence[CorpusView], asked: Wording, read: TokenVectors) -> dict[str, str]:
    """Word of the question, which was `asked` so and `read` so by the model → word of the articles.

    Without tokens nothing tells words that are right but rare from slips, and none is found.
    """
    pieces = [(start, end) for start, end in read.spans.tolist()]
    if not pieces:
        return {}
    found: dict[str, str] = {}
    unmet = [match for match in _unmet(question, views, asked) if not _is_known(match, pieces)]
    for match in unmet[:_MOST_WORDS]:
        is_name = match.start() > 0 and match.group()[0].isupper()
        if (meant := _meant(match.group(), views, asked.analysed[0], is_name=is_name)) is not None:
            found[match.group()] = meant
    return found


def mended(text: str, slips: Mapping[str, str]) -> str:
    """`text` with the words that were meant in the place of slips, but for what is quoted or part of something else."""
    parts, end = [], 0
    for match in _free(text):
        parts += [text[end : match.start()], slips.get(match.group(), match.group())]
        end = match.end()
    return "".join([*parts, text[end:]])


def _free(text: str) -> list[re.Match[str]]:
    """The words that may be slips: long enough to be told from others, neither quoted nor part of an address."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    return [match for match in _WORD.finditer(text) if not any(start <= match.start() < end for start, end in quoted)]


def _unmet(question: str, views: Sequence[CorpusView], asked: Wording) -> list[re.Match[str]]:
    """The words that are looked up, and that no article has."""
    forms = {
        match: {term for language in asked.analysed for term in terms(match.group(), language)}
        for match in _free(question)
    }
    forms = {match: own for match, own in forms.items() if not own.isdisjoint(asked.terms)}
    every = list(frozenset().union(*forms.values()))
    counts = [view.store.document_frequencies("paragraph", every) for view in views]
    return [match for match, own in forms.items() if not any(held[term] for held in counts for term in own)]


def _is_known(match: re.Match[str], pieces: Sequence[tuple[int, int]]) -> bool:
    """Whether the model reads the word in one piece, or in one and an ending; or did not read as far as that."""
    own = [(start, end) for start, end in pieces if match.start() <= start < match.end()]
    if len(own) < 2:
        return True
    ending = match.string[own[0][1] : match.end()].lower()
    return own[0][1] - own[0][0] >= _SHORTEST_TERM and ending in _ENDINGS


def _meant(word: str, views: Sequence[CorpusView], language: str, *, is_name: bool) -> str | None:
    """The word of the articles that is the fewest slips away; None if none is near enough."""
    stemmed = terms(word, language)
    if len(stemmed) != 1:  # a script without blanks
        return None
    most, lower = 1 + (len(word) >= _LONG), word.lower()
    found: list[tuple[int, bool, int, str]] = []
    for place, term in enumerate(_near(stemmed[0][0], lower, most + 1, views)):
        for surface in _words_of(term, lower, most, views, language):
            distance = _slips_apart(lower, surface.lower(), most, is_name=is_name)
            if distance <= most:
                found.append((distance, surface[-1].lower() != lower[-1], place, surface))
    if not found:
        return None
    surface = min(found)[3]
    if word.islower():
        return surface.lower()
    return surface.upper() if word.isupper() else surface[0].upper() + surface[1:]


def _near(initial: str, word: str, most: int, views: Sequence[CorpusView]) -> list[str]:
    """The terms that come nearest to what the word begins with: the nearest, of these the longest, then the commonest.

    Endings are left out of it, for a slip in one keeps a word from being stemmed as it should be.
    """
    counts: Counter[str] = Counter()
    for view in views:
        for term, count in view.vocabulary(initial):  # hardly anyone slips on the first letter
            counts[term] += count
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for term in counts:
        if _SHORTEST_TERM <= len(term) <= len(word) + most:
            by_length[len(term)].append(term)
    nearest: dict[str, int] = {}
    for length, some in by_length.items():
        for beginning in {word[: length + more] for more in (-1, 0, 1)}:  # a slip makes it shorter or longer
            for term, distance, _ in extract(beginning, some, scorer=OSA.distance, score_cutoff=most, limit=None):
                nearest[term] = min(distance, nearest.get(term, distance))
    return sorted(nearest, key=lambda term: (nearest[term], -len(term), -counts[term]))[:_NEAREST]


def _words_of(term: str, typed: str, most: int, views: Sequence[CorpusView], language: str) -> Iterator[str]:
    """Words like the one typed that have this term, as some paragraphs and their articles' titles write them."""
    for view in views:
        for text in view.store.passages(term, _PASSAGES):
            for word in dict.fromkeys(_LETTERS.findall(text)):
                is_like = abs(len(word) - len(typed)) <= most and word[0].lower() == typed[0]
                if is_like and terms(word, language) == [term]:
                    yield word


def _slips_apart(typed: str, meant: str, most: int, *, is_name: bool) -> int:
    """How many slips make `typed` of `meant`; more than `most` if it takes more, or what is no slip.

    A slip leaves a letter out, swaps two, doubles one, or hits the key beside the right one, too or in its place. Names
    differ by a letter as words seldom do, so that in one no letter stands for another.
    """
    if abs(len(typed) - len(meant)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(meant) + 1))  # none typed yet, all of them left out
    for i, letter in enumerate(typed):
        extra = _extra(typed, i)
        older, before, row = before, row, [row[0] + extra]
        for j, wanted in enumerate(meant):
            cost = 0 if letter == wanted else _NEVER if is_name else _instead(letter, wanted)
            best = min(before[j] + cost, before[j + 1] + extra, row[j] + 1)
            if i and j and letter == meant[j - 1] and typed[i - 1] == wanted:
                best = min(best, older[j - 1] + 1)
            row.append(best)
    return row[-1]


def _extra(typed: str, i: int) -> int:
    near = typed[max(0, i - 1) : i] + typed[i + 1 : i + 2]
    return 1 if any(typed[i] == one or (typed[i], one) in _BESIDE for one in near) else _NEVER


def _instead(letter: str, wanted: str) -> int:
    return 1 if (letter, wanted) in _BESIDE else _NEVER
