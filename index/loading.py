"""Reading the vectors of a whole corpus, or of the articles that changed, piece by piece. It speaks SQL, and knows
nothing of what is made of the vectors.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from index.database import Connection, grouped
from index.stored import SentenceVectors

Row = tuple[int, int, int, int, bytes]
_AT_ONCE = 2048  # rows; what is read is in memory three times over
_SENTENCES = (
    "SELECT id, article_id, paragraph_id, is_heading, vector FROM sentence"
    " WHERE id NOT IN (SELECT id FROM hidden_sentence)"
)


def sentence_vectors(
    connection: Connection, article_ids: Collection[int] | None, dimension: int
) -> Iterator[SentenceVectors]:
    """The vectors of these articles' sentences, or of all, by id, but for those that are hidden. A piece holds whole
    articles, and is not empty.

    Raises:
        ValueError: a vector is not of this dimension.
    """
    if article_ids is None:
        yield from _pieces(connection, f"{_SENTENCES} ORDER BY id", (), dimension)
        return
    # Nearly by the ids of their sentences, which an index of vectors takes faster in order.
    for marks, some in grouped(sorted(article_ids)):
        yield from _pieces(connection, f"{_SENTENCES} AND article_id IN ({marks}) ORDER BY id", some, dimension)


def _pieces(connection: Connection, sql: str, values: Sequence[int], dimension: int) -> Iterator[SentenceVectors]:
    cursor = connection.execute(sql, values)
    kept: list[Row] = []  # the last article's, of which there may be more
    while rows := cursor.fetchmany(_AT_ONCE):
        rows = kept + rows
        whole = len(rows)
        while whole and rows[whole - 1][1] == rows[-1][1]:
            whole -= 1
        kept = rows[whole:]
        if whole:
            yield _piece(rows[:whole], dimension)
    if kept:
        yield _piece(kept, dimension)


def _piece(rows: Sequence[Row], dimension: int) -> SentenceVectors:
    ids, articles, paragraphs, headings, blobs = zip(*rows, strict=True)
    matrix = np.frombuffer(b"".join(blobs), "<f2").reshape(len(ids), dimension)
    return SentenceVectors(
        np.array(ids, np.int64),
        np.array(articles, np.int64),
        np.array(paragraphs, np.int64),
        matrix,
        np.array(headings, np.bool_),
    )
