"""The words of articles that stand beside judgements: they go when they have left the articles, in whatever way."""

from collections.abc import Iterable
from functools import lru_cache

from index.store import Store
from records.answers import AnswerRecords, Seen

_AT_HAND = 16  # articles whose texts are kept in memory while judgements are looked through


def forget_gone(answers: AnswerRecords, place: int, stores: Iterable[Store]) -> int:
    """Overwrites, in the judgements about a server's articles, every sentence that no longer stands in its article in
    any of the stores: the server's own and the operator's, those of them that there are. Returns how many.

    Raises:
        UserError: what stores and records raise.
    """
    stores = list(stores)

    @lru_cache(_AT_HAND)
    def texts(source: str) -> list[str]:
        ids = [(store, one.article_id) for store in stores for one in store.versions(source).values()]
        return [_plain(article.text) for store, number in ids if (article := store.load(number)) is not None]

    def is_gone(seen: Seen) -> bool:
        return not any(_plain(seen.text) in text for text in texts(seen.source))

    return answers.forget_words(place, is_gone)


def _plain(text: str) -> str:
    """Blanks and line breaks are the same, as when judged sentences are looked for in their articles."""
    return " ".join(text.split())
