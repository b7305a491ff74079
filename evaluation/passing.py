"""Corpora that are made of some articles, asked, and gone."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evaluation.sets import Boundaries
from index.article import Article
from index.corpus import Corpus
from index.encoder import Encoder
from index.errors import UserError
from index.indexer import Indexer


@contextmanager
def corpus_of(
    articles: Sequence[Article], encoder: Encoder, *, boundaries: Boundaries | None = None
) -> Iterator[Corpus]:
    """A corpus of these articles, split by the product or else at published boundaries, for the length of the block.

    Raises:
        UserError: an article cannot be indexed, or what `Indexer` raises.
    """
    with tempfile.TemporaryDirectory(prefix="verbatim-", ignore_cleanup_errors=True) as folder:
        corpus = Corpus(Path(folder) / "corpus.db", encoder)
        try:
            if boundaries is None:
                indexer = Indexer(corpus.store, encoder)
            else:
                indexer = Indexer(corpus.store, encoder, splitter=lambda article: list(boundaries[article.source]))
            if failed := indexer.add_articles(articles).failed:
                source, why = failed[0]
                raise UserError(f"The article “{source}” of this set cannot be indexed: {why}. Take it out of the set.")
            yield corpus
        finally:
            corpus.close()
