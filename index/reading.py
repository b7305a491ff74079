"""Readers without a process of their own, for bytes that nobody else had a hand in: tests, benchmarks, samples."""

from index.article import Article
from index.feeds import Feed, discover, looks_like_feed, parse
from index.feeds.html import paragraphs
from index.readers import archive, kinds, read


class InProcess:
    """Runs the readers in this very process. What is hostile may take its time and memory: see `Isolation`."""

    def kind(self, data: bytes, name: str) -> kinds.Kind:
        return kinds.kind_of(data, name)

    def read(self, data: bytes, source: str, name: str, *, max_bytes: int) -> Article:
        return read(data, source, name, max_bytes=max_bytes)

    def expand(self, data: bytes, name: str) -> list[archive.Member]:
        return archive.expand(data, name)

    def feed(self, data: bytes, url: str) -> Feed:
        return parse(data, url)

    def is_feed(self, data: bytes, content_type: str, url: str) -> bool:
        return looks_like_feed(data, content_type)

    def discover(self, data: bytes, url: str) -> list[str]:
        return discover(data, url)

    def words(self, html: str, url: str) -> str:
        return paragraphs(html)
