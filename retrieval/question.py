"""A question before it is looked up: the language it is asked in, and its terms as the articles asked have them.

How candidates are found with the terms, and what is said of a language that the model does not know, is decided
elsewhere.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from index.corpus import CorpusView
from index.language import UND, analysed_as, language_of, name_of
from index.lexical import question_terms, terms

_MOST_LANGUAGES = 5  # the commonest among the articles; each costs an analysis of the question


@dataclass(frozen=True, slots=True)
class Wording:
    """A question's distinct `terms`, and its `language`: an ISO 639-1 code, or "und" where that is not sure.

    `analysed` are the languages as which its words are looked up, the likeliest first.
    """

    language: str
    terms: tuple[str, ...]
    analysed: tuple[str, ...] = ("en",)


def asked_of(question: str, views: Sequence[CorpusView], known: Collection[str] | None) -> Wording:
    """How `question` is looked up in these corpora, by a model that knows the languages `known`: see `worded`."""

    def occurring(sought: Sequence[str]) -> list[str]:
        frequencies = (view.store.document_frequencies("paragraph", sought) for view in views)
        return [term for found in frequencies for term, count in found.items() if count]

    return worded(question, [view.languages for view in views], known, occurring)


def worded(
    question: str,
    articles: Sequence[Mapping[str, int]],
    known: Collection[str] | None = None,
    occurring: Callable[[Sequence[str]], Collection[str]] = frozenset,
) -> Wording:
    """How `question` is looked up in corpora with so many `articles` in each language.

    Its terms are analysed in its own language if any article is in that one, and otherwise in the articles' commonest
    language: then names, figures and loanwords still match, as those articles have them. `known`, the languages that
    the model knows (None: any), and the articles' own are the ones expected of a short question.

    Where articles are in several languages, a word that no article has as it was analysed is looked up as their other
    languages have it. `occurring` tells which of some terms occur in any article.
    """
    held: Counter[str] = Counter()
    for counts in articles:
        for code, count in counts.items():
            held[analysed_as(code)] += count
    language = language_of(question, {*held, *(known or ())})
    commonest = held.most_common(1)[0][0] if held else "en"
    looked_up = language if language in held or (language != UND and not held) else commonest
    asked_in = None if language == UND else language
    found = question_terms(question, looked_up, asked_in)
    others = [code for code, _ in held.most_common(_MOST_LANGUAGES) if code != looked_up]
    if others:
        found = _met(question, found, looked_up, others, occurring)
    return Wording(language, tuple(found), (looked_up, *others))


def _met(
    question: str,
    found: Sequence[str],
    looked_up: str,
    others: Sequence[str],
    occurring: Callable[[Sequence[str]], Collection[str]],
) -> list[str]:
    """`found`, with terms that occur in the place of those that do not, so that there are about as many."""
    words = [([term for term in terms(word, looked_up) if term in found], word) for word in question.split()]
    elsewhere = [[term for code in others for term in terms(word, code)] if own else [] for own, word in words]
    occur = frozenset(occurring([*found, *chain.from_iterable(elsewhere)]))
    met: list[str] = []
    for (own, _), variants in zip(words, elsewhere, strict=True):
        met += own if occur.intersection(own) else [term for term in variants if term in occur] or own
    return list(dict.fromkeys(met))


def foreign(language: str, known: Collection[str] | None) -> str | None:
    """The English name of a question's language if it is surely not among those `known` (None: any)."""
    return name_of(language) if known is not None and language != UND and language not in known else None
