"""What an answer's record names, looked up again: its sentences as they stand now, and more of the text around them.

What is no longer there, or no longer says the same, or is no longer open to the server that asked, is not found.
Synchronous and thread-safe; it knows servers as numbers and nothing else of Discord.
"""

from collections.abc import Sequence

from cogs.service import NOWHERE
from index.article import Span
from index.corpus import Library
from index.store import Store
from records.answers import AnswerRecord, KeptHit, Place, digest_of
from retrieval.answer import Citation, Confidence, Hit, Passage

_OPERATORS = 0  # the corpus of a `Place`
_AROUND, _WIDE = 900, 2_600  # characters of a passage


class Recall:
    """Looks up what answers have quoted."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def place(self, citation: Citation, server: int) -> Place:
        """Where a sentence stands that was found for `server`."""
        is_own = server != NOWHERE and citation.corpus == self._library.path(server)
        corpus = server if is_own else _OPERATORS
        return Place(corpus, citation.article.id, citation.start, citation.end, digest_of(citation.text))

    def hits(self, record: AnswerRecord) -> dict[int, Hit]:
        """Number, from 0 → hit, for those that still stand where they stood."""
        looking = _Looking(self._library, record.place)
        found = {number: looking.hit(kept) for number, kept in enumerate(record.hits)}
        return {number: hit for number, hit in found.items() if hit is not None}

    def passage(self, record: AnswerRecord, number: int, *, wide: bool = False) -> Passage | None:
        """A hit's sentence within its paragraph and as many of those around it as there is room for; None if it does
        not stand there any more."""
        looking = _Looking(self._library, record.place)
        place = record.hits[number].place
        citation, store = looking.citation(place), looking.store(place.corpus)
        if citation is None or store is None:
            return None
        text = looking.text(place)
        window = _window(store.spans("paragraph", place.article), place, _WIDE if wide else _AROUND)
        before, after = text[window.start : place.start], text[place.end : window.end]
        more = bool((text[: window.start] + text[window.end :]).strip())
        return Passage(citation, before.lstrip(), after.rstrip(), more)


class _Looking:
    """The look-ups for one answer: each article is read once."""

    def __init__(self, library: Library, server: int) -> None:
        own = library.path(server) if server != NOWHERE else None
        corpora = {server if one.store.path == own else _OPERATORS: one for one in library.askable(server)}
        self._stores = {corpus: one.store for corpus, one in corpora.items()}
        self._texts: dict[tuple[int, int], str | None] = {}

    def store(self, corpus: int) -> Store | None:
        return self._stores.get(corpus)

    def text(self, place: Place) -> str:
        """The text of the article; none if it is not there."""
        key = (place.corpus, place.article)
        if key not in self._texts:
            store = self._stores.get(place.corpus)
            article = store.load(place.article) if store else None
            self._texts[key] = article.text if article else None
        return self._texts[key] or ""

    def citation(self, place: Place) -> Citation | None:
        """The sentence, if it still says the same."""
        said = self.text(place)[place.start : place.end]
        store = self._stores.get(place.corpus)
        article = store.article(place.article) if store and said and digest_of(said) == place.digest else None
        return Citation(article, place.start, place.end, said, store.path) if store and article else None

    def hit(self, kept: KeptHit) -> Hit | None:
        citation = self.citation(kept.place)
        store = self._stores.get(kept.place.corpus)
        if citation is None or store is None:
            return None
        text = self.text(kept.place)
        before, after = _neighbours(store, kept.place)
        also_in, differing = (tuple(filter(None, map(self.citation, some))) for some in (kept.also_in, kept.differing))
        return Hit(
            citation,
            before.of(text) if before else None,
            after.of(text) if after else None,
            also_in,
            0.0,
            kept.probability,
            Confidence(kept.confidence),
            differing,
        )


def _neighbours(store: Store, place: Place) -> tuple[Span | None, Span | None]:
    spans = store.spans("sentence", place.article)
    before = max((one for one in spans if one.start < place.start), default=None)
    after = min((one for one in spans if one.start > place.start), default=None)
    return before, after


def _window(spans: Sequence[Span], place: Place, room: int) -> Span:
    """Of these paragraphs that of the sentence, with those around it that fit into so many characters: the one after it
    before the one before it, for what follows explains more often."""
    own = next((i for i, one in enumerate(spans) if one.start <= place.start < one.end), None)
    if own is None:
        return Span(place.start, place.end)
    first = last = own
    grown = True
    while grown:
        grown = False
        if last + 1 < len(spans) and spans[last + 1].end - spans[first].start <= room:
            last, grown = last + 1, True
        if first > 0 and spans[last].end - spans[first - 1].start <= room:
            first, grown = first - 1, True
    return Span(spans[first].start, max(spans[last].end, place.end))
