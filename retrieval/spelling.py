"""Slips of the pen in a question: a word that no article has, and that the model does not know as one, gives way to the
nearest word that the articles have. Whoever asked is shown what was searched for.

Nearness is optimal string alignment: a letter missing, too many, wrong or in its neighbour's place is one slip
(Damerau, "A technique for computer detection and correction of spelling errors", 1964).
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from rapidfuzz.distance import OSA

from index.corpus import CorpusView
from index.lexical import terms
from retrieval.question import Wording

_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 5  # letters of a word that is put right; shorter ones are near to too many others
_SHORTEST_TERM = 4  # … once stemmed
_LONG = 9  # letters from which on two slips are put right
_MOST_WORDS = 4  # of one question that are looked at; each costs a look through a part of the vocabulary
_NEAREST = 8  # terms whose words are looked at
_PASSAGES = 3  # … of each, in so many paragraphs


Spans = Collection[tuple[int, int]]


def slips(question: str, views: Sequence[CorpusView], asked: Wording, known: Callable[[], Spans]) -> dict[str, str]:
    """Word of the question, which was `asked` so → word of the articles.

    `known`, called only if it matters, tells the [start, end) of the words that the model knows.
    """
    found: dict[str, str] = {}
    spelt: Spans | None = None
    for match in _unmet(question, views, asked)[:_MOST_WORDS]:
        word = match.group()
        near = _nearest(word, views, asked.analysed[0])
        if near is None or word in found:
            continue
        spelt = known() if spelt is None else spelt
        if match.span() not in spelt:
            found[word] = near
    return found


def mended(text: str, slips: Mapping[str, str]) -> str:
    """`text` with the words that were found for its slips."""
    return _WORD.sub(lambda match: slips.get(match.group(), match.group()), text)


def _unmet(question: str, views: Sequence[CorpusView], asked: Wording) -> list[re.Match[str]]:
    """The words that are looked up and long enough to be told from others, and that no article has."""
    forms = {
        match: {term for language in asked.analysed for term in terms(match.group(), language)}
        for match in _WORD.finditer(question)
        if len(match.group()) >= _SHORTEST
    }
    forms = {match: own for match, own in forms.items() if not own.isdisjoint(asked.terms)}
    every = list(frozenset().union(*forms.values()))
    counts = [view.store.document_frequencies("paragraph", every) for view in views]
    return [match for match, own in forms.items() if not any(held[term] for held in counts for term in own)]


def _nearest(word: str, views: Sequence[CorpusView], language: str) -> str | None:
    """The nearest word of the articles, among equals that of the commonest term; None if none is near enough."""
    stemmed = terms(word, language)
    if len(stemmed) != 1 or len(stemmed[0]) < _SHORTEST_TERM:
        return None
    (term,) = stemmed
    most, lower = 1 + (len(word) >= _LONG), word.lower()
    counts: Counter[str] = Counter()
    for view in views:
        counts.update(dict(view.vocabulary(term[0])))  # hardly anyone slips on the first letter
    # A slip in its ending keeps a word from being stemmed as it should be, so that stems may lie one further apart than
    # words, and a stem may be what a word begins with.
    near = sorted((_apart(term, lower, other, most + 1), -count, other) for other, count in counts.items())
    found: list[tuple[float, int, str]] = []
    for place, (distance, _, other) in enumerate(near[:_NEAREST]):
        if distance > most + 1:
            break
        for surface in _words_of(other, views, language):
            apart = OSA.distance(lower, surface.lower())
            if apart <= (most if distance > most else most + 1):  # of one stem, endings may differ
                found.append((apart, place, surface))
    if not found:
        return None
    surface = min(found)[2]
    return surface.lower() if word.islower() else surface[0].upper() + surface[1:]


def _apart(term: str, word: str, other: str, most: int) -> int:
    """How far another term is from a word's own term or from its beginning, if at most so far; more otherwise."""
    if len(other) < _SHORTEST_TERM:
        return most + 1
    whole = OSA.distance(term, other, score_cutoff=most)
    return min(whole, OSA.distance(word[: len(other)], other, score_cutoff=most))


def _words_of(term: str, views: Sequence[CorpusView], language: str) -> Iterator[str]:
    """Words that have this term, as some paragraphs and their articles' titles write them."""
    for view in views:
        for text in view.store.passages(term, _PASSAGES):
            for word in dict.fromkeys(_WORD.findall(text)):
                if terms(word, language) == [term]:
                    yield word
