"""Judged questions → an evaluation set: as questions to measure by, and as the lines of a file that `evaluate` reads.

It knows what people judged, and nothing of where that is kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from evaluation.sets import Question
from retrieval.feedback import Judged, spans_of


def answerable(judged: Iterable[Judged], texts: Mapping[str, str]) -> list[Question]:
    """Those of the questions that have a right sentence, with every place where it stands in its article; `texts` are
    the articles', by source."""
    return [_question(one, texts) for one in judged if one.right]


def lines(judged: Iterable[Judged]) -> Iterator[str]:
    """Those of the questions that have a right sentence, as JSON lines that `evaluation.brought` reads."""
    for one in judged:
        if one.right:
            row: dict[str, object] = {"question": one.question, "answers": [quote.text for quote in one.right]}
            sources = {quote.source for quote in one.right}
            if len(sources) == 1:  # a line names one article at most
                row["article"] = sources.pop()
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _question(judged: Judged, texts: Mapping[str, str]) -> Question:
    places = [(quote.source, span) for quote in judged.right for span in spans_of(quote, texts.get(quote.source, ""))]
    article = places[0][0]
    spans = tuple(span for source, span in places if source == article)
    elsewhere = tuple(place for place in places if place[0] != article)
    return Question(judged.question, article, spans, tuple(quote.text for quote in judged.right), elsewhere)
