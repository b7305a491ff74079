"""What the store takes and gives: articles ready to be stored, and what is read of those that are. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from index.article import Article, Paragraph, Sentence, page_of

Unit = Literal["sentence", "paragraph"]
Float16 = NDArray[np.float16]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as lists and citations need it, without its text. `sentences` is their number.

    `language` is an ISO 639-1 code, or "und"; None if it was indexed before languages were told apart, as English.
    `published` is the earliest day that it was ever seen to state, and `updated` that of its latest correction.
    `pages` are as an article's. `copy_of` is the id of the article that stands for it, if it is a copy.
    """

    id: int
    source: str
    title: str
    states_title: bool
    url: str | None
    author: str | None
    published: date | None
    indexed_at: datetime
    sentences: int
    language: str | None = None
    updated: date | None = None
    first_indexed: datetime | None = None
    pages: tuple[int, ...] = ()
    copy_of: int | None = None

    @property
    def latest(self) -> date | None:
        """The day as of which it speaks: that of its correction, or of its publication."""
        return max(filter(None, (self.updated, self.published)), default=None)

    def page_of(self, offset: int) -> int | None:
        """As `Article.page_of`."""
        return page_of(self.pages, offset)


@dataclass(frozen=True, slots=True)
class Version:
    """What tells whether an article has changed: hashes of the bytes it was read from, and of what was read."""

    article_id: int
    input_hash: bytes
    article_hash: bytes


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the model made of a text: its (dimension,) vector, and the codes of its tokens (see `TokenCoder`), of which
    the first `title_tokens` belong to the title before the sentence."""

    vector: Float16
    title_tokens: int = 0
    tokens: bytes = b""


@dataclass(frozen=True, slots=True)
class PreparedSentence:
    """A sentence ready to be stored: its span, hash of the encoded text, encoding, and terms.

    `is_heading`: it only announces what follows. `names` are the terms of the words with a capital. `line` is a hash
    of its words; None if it has none.
    """

    span: Sentence
    is_heading: bool
    encoded_hash: bytes
    encoding: Encoding
    terms: Sequence[str]
    names: Sequence[str] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PreparedParagraph:
    """A paragraph ready to be stored: its span, its terms and its sentences, in order."""

    span: Paragraph
    terms: Sequence[str]
    sentences: Sequence[PreparedSentence]


@dataclass(frozen=True, slots=True)
class PreparedArticle:
    """An article ready to be stored: its version's hashes, and its paragraphs, in order; the normalised addresses by
    which it may be known, and the web site it stands on, if any."""

    article: Article
    input_hash: bytes
    article_hash: bytes
    paragraphs: Sequence[PreparedParagraph]
    keys: frozenset[str] = frozenset()
    site: str | None = None


@dataclass(frozen=True, slots=True)
class StoredSentence:
    """A stored sentence. `vector` is (dimension,), of unit length; `terms` are its index terms, in order,
    separated by spaces."""

    id: int
    article_id: int
    paragraph_id: int
    start: int
    end: int
    is_heading: bool
    vector: Float16
    terms: str


@dataclass(frozen=True, slots=True)
class SentenceDetail:
    """What only a closer look at a sentence needs: see `PreparedSentence` and `Encoding`. `names` are separated by
    spaces."""

    names: str
    title_tokens: int
    tokens: bytes


@dataclass(frozen=True, slots=True)
class SentenceVectors:
    """Vectors (n, dimension) of sentences with their `ids`, `article_ids` and `paragraph_ids`, each (n,), by id, and
    which of them are `headings` (n,)."""

    ids: Ids
    article_ids: Ids
    paragraph_ids: Ids
    vectors: Float16
    headings: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over the corpus, for BM25 and for people. `copies` of an article are no articles; what they say counts."""

    articles: int
    sentences: int
    paragraphs: int
    sentence_terms: int
    paragraph_terms: int
    copies: int = 0
