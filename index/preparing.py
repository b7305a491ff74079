"""An article is split into sentences, encoded sentence by sentence, and made ready to be stored.

Pure: it knows neither stores nor models, and is given what the model made of each text.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import NamedTuple
from urllib.parse import urlsplit

from index.article import Article, Paragraph, Sentence
from index.errors import UserError
from index.language import UND, analysed_as, language_of
from index.lexical import names, terms
from index.paragraphs import headings, paragraphs
from index.sentences import each
from index.standing import line_of
from index.stored import Encoding, PreparedArticle, PreparedParagraph, PreparedSentence
from index.web.addresses import normalised, site_of

Splitter = Callable[[Article], Iterable[Sentence]]
_MOST_SENTENCES = 50_000  # of one article: some long novels, or a file of single letters that would fill the memory
_NO_SITES = frozenset({"discord.com", "discordapp.com"})  # where what people wrote has no page around it


def split_article(article: Article) -> Iterator[Sentence]:
    """Its sentences, by the rules of its language."""
    return each(article.text, analysed_as(article.language))


@dataclass(frozen=True, slots=True)
class Draft:
    """An article that has been read and split, but not encoded."""

    article: Article
    input_hash: bytes
    article_hash: bytes
    paragraphs: list[list[Sentence]]

    @property
    def sentences(self) -> int:
        return sum(map(len, self.paragraphs))


class EncodedText(NamedTuple):
    """A text to be encoded, and how many of its characters are the title before the sentence."""

    text: str
    title: int


def draft_of(article: Article, input_hash: bytes, splitter: Splitter = split_article) -> Draft:
    """The article split, its language found out where nobody has.

    Raises:
        UserError: it has too many sentences.
    """
    if article.language in (None, UND):
        article = replace(article, language=language_of(article.text))
    digest = hashlib.sha256(repr(replace(article, source="")).encode()).digest()
    sentences = list(islice(splitter(article), _MOST_SENTENCES + 1))  # a file of single letters has millions
    if len(sentences) > _MOST_SENTENCES:
        raise UserError(
            "it has more than {limit} sentences, and no more can be indexed: split it up", limit=_MOST_SENTENCES
        )
    return Draft(article, input_hash, digest, paragraphs(article.text, sentences))


def encoded_texts(drafts: Iterable[Draft]) -> Iterator[tuple[bytes, EncodedText]]:
    """Hash and text of all that has to be encoded for these drafts, in order."""
    for draft in drafts:
        for sentence in chain.from_iterable(draft.paragraphs):
            text = _encoded_text(draft.article, sentence)
            yield _hash(text.text), text


def prepare(draft: Draft, encodings: Mapping[bytes, Encoding]) -> PreparedArticle:
    """The draft with the encodings of its texts, by hash, and with its terms."""
    article = draft.article
    # A paragraph is found by its article's title too; a sentence only by what it says.
    language = analysed_as(article.language)
    title = terms(article.title, language) if article.states_title else []
    announcing = headings(article.text, list(chain.from_iterable(draft.paragraphs)))

    def sentence(span: Sentence) -> PreparedSentence:
        key, text = _hash(_encoded_text(article, span).text), span.of(article.text)
        words = terms(text, language), names(text, language)
        return PreparedSentence(span, span in announcing, key, encodings[key], *words, line_of(text))

    def paragraph(members: Sequence[Sentence]) -> PreparedParagraph:
        sentences = [sentence(span) for span in members]
        words = title + [term for one in sentences for term in one.terms]
        return PreparedParagraph(Paragraph(members[0].start, members[-1].end), words, sentences)

    parts = [paragraph(members) for members in draft.paragraphs]
    return PreparedArticle(article, draft.input_hash, draft.article_hash, parts, *_places(article))


def _places(article: Article) -> tuple[frozenset[str], str | None]:
    """The normalised addresses by which an article from the web may be known, and the site that it stands on."""
    fetched = article.source if article.source.startswith(("http://", "https://")) else None
    addresses = [one for one in (fetched, article.url) if one and urlsplit(one).hostname not in _NO_SITES]
    if not addresses:
        return frozenset(), None
    # An entry of a feed may have no address of its own, and a page that names its site's front page says nothing.
    own = fetched is None or "#" not in fetched
    named = (one for one in addresses if urlsplit(one).path.strip("/") or urlsplit(one).query or one == fetched)
    return frozenset(map(normalised, named)) if own else frozenset(), site_of(addresses[0])


def _encoded_text(article: Article, sentence: Sentence) -> EncodedText:
    """What the model reads: the sentence under its article's own title, which says what the sentence is about."""
    title = f"{article.title}\n" if article.states_title else ""
    return EncodedText(title + sentence.of(article.text), len(title))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
