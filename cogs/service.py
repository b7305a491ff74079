"""What the cogs ask of the library: questions, lists and removals, for one Discord server each.

Synchronous and thread-safe; it knows servers as numbers and nothing else of Discord. A server's id is the only way to
a corpus here, so that no argument that a person makes up leads into another server's.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from cogs.refusal import Refusal
from cogs.settings import Settings
from cogs.speech import _, mark
from index.corpus import Corpus, Library
from index.encoder import Encoder
from index.errors import UserError
from index.language import language_of
from index.stored import StoredArticle
from retrieval.answer import Answer
from retrieval.ranker import LearnedRanker, shipped
from retrieval.reranker import CrossEncoderReranker
from retrieval.retriever import Only, Retriever
from retrieval.several import Several
from retrieval.waiting import keep

log = logging.getLogger(__name__)

_ALL = 10**9
_NO_SUCH_ARTICLE = mark("This server has no such article. Choose one from the list that appears as you type.")
_NO_SUCH_UPLOAD = mark("This server has no such uploaded article. Choose one from the list that appears as you type.")
_SEVERAL_ARTICLES = mark("Several articles have that title. Choose one from the list that appears as you type.")

NOWHERE = 0
"""The server of a direct message: no server has this id, so it may ask only what is shared with every server."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, and how many articles it was looked for in: the server's `own` and `shared` ones. `id` is that of its
    record, for the buttons below it, and `shown` how many of its hits are shown at first. `judged`: people may say
    whether it helped, since that is kept; `shareable`: the asker alone sees it and may show it to others. `only` is
    the title of the one article that was asked, if it was one."""

    answer: Answer
    own: int
    shared: int
    in_server: bool = True
    id: int | None = None
    shown: int | None = None
    judged: bool = False
    shareable: bool = False
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """A server's own articles by title, without those that another stands for; how many such each stands for, by id;
    and how many articles of the operator's the server may ask besides."""

    articles: Sequence[StoredArticle]
    copies: Mapping[int, int]
    shared: int


@dataclass(frozen=True, slots=True)
class Askable:
    """An article that may be asked alone: one of the server's own, or a `shared` one of the operator's."""

    article: StoredArticle
    shared: bool

    @property
    def choice(self) -> str:
        """What stands for it among the choices of one server, and means nothing to another."""
        return f"{'shared' if self.shared else 'own'}:{self.article.id}"


class Service:
    """The library as one bot uses it.

    Raises:
        Refusal: from the methods that say so, what the person who asked can mend.
        UserError: from every method, what stores and encoder raise, which is the operator's to mend.
    """

    def __init__(
        self,
        library: Library,
        encoder: Encoder,
        settings: Settings,
        *,
        ranker: LearnedRanker | None = None,
        reranker: CrossEncoderReranker | None = None,
    ) -> None:
        self._library = library
        self._encoder = encoder
        self._settings = settings
        self._ranker = ranker
        self._reranker = reranker

    @property
    def languages(self) -> frozenset[str] | None:
        """The codes of the languages that the model knows; None: any."""
        return self._encoder.languages

    @property
    def ranking(self) -> str:
        """What tells the present way to rank from others: its weights and, where there is one, its cross-encoder."""
        ranker = self._ranker or shipped()
        return f"{ranker.identity}+{self._reranker.identity}" if self._reranker else ranker.identity

    def warm_up(self) -> None:
        """Loads the models and the corpus that most servers share, so that the first question need not wait."""
        self._encoder.yardstick  # noqa: B018 — it is measured when it is first asked for
        language_of("Does it work?")
        for corpus in self._library.askable(NOWHERE):
            with corpus.view():
                pass
        if self._reranker is not None:
            self._reranker.load()

    def ask(
        self,
        server: int,
        question: str,
        previous: Sequence[str] = (),
        *,
        top: int | None = None,
        precision: float | None = None,
        keep_for: int | None = None,
        article: str | None = None,
    ) -> Asked:
        """What is found for a question, asked after those `previous`, the oldest first: the `top` best hits, so that
        the share `precision` of answers is right (None: as the operator has it); in the one `article`, a choice of
        `askable` or a title, if it is given.

        Where nothing is found and the operator wants it so, the question is kept for the person `keep_for`, in the
        server's own corpus if it has one. A question to one article is not.

        Raises:
            Refusal: the server may not ask such an article, or several have that title.
        """
        own, shared = self._counts(server)
        chosen = None if article is None else self._chosen(server, article)
        answer = self._answered(
            server,
            chosen,
            precision,
            lambda to, only: to.ask(question, top=top or self._settings.hits, previous=previous, only=only),
        )
        if keep_for is not None and chosen is None and self._settings.keep_waiting and not answer.answered:
            self._keep(server, answer, keep_for)
        only = chosen.article.title if chosen else None
        return Asked(answer, own, shared, in_server=server != NOWHERE, only=only)

    def askable(self, server: int, typed: str = "", *, most: int = 25) -> list[Askable]:
        """The articles that this server may ask one by one and whose title holds what was typed: its own before the
        shared ones, each by title, without those that another stands for."""
        typed = typed.casefold().strip()
        return [
            Askable(one, self._is_shared(corpus))
            for corpus in self._library.askable(server)
            for one in corpus.store.articles()
            if one.copy_of is None and typed in one.title.casefold()
        ][:most]

    def worth_choosing(self, servers: Collection[int]) -> list[int]:
        """Those of the servers where something else may be asked than what is shared with everybody, told without
        opening what they have of their own, all of which may have gone."""
        shared = self.is_shared()
        having = frozenset(self._library.servers())
        return [one for one in servers if one in having or (not shared and self._library.askable(one))]

    def having_own(self, servers: Collection[int]) -> list[int]:
        """As `worth_choosing`, of a few servers and for certain."""
        shared = self.is_shared()
        return [one for one in servers if self._has_own(one) or (not shared and self._counts(one)[1])]

    def _has_own(self, server: int) -> bool:
        """Whether a server has articles, told without keeping open what nobody has asked."""
        corpus = self._library.corpus(server, passing=True)
        return corpus is not None and corpus.store.statistics().articles > 0

    def _is_shared(self, corpus: Corpus) -> bool:
        return corpus.store.path == self._library.path(None)

    def _chosen(self, server: int, choice: str) -> Askable:
        askable = self.askable(server, most=_ALL)
        found = [one for one in askable if one.choice == choice]
        found = found or [one for one in askable if one.article.title.casefold() == choice.strip().casefold()]
        if not found:
            raise Refusal(_(_NO_SUCH_ARTICLE))
        if len(found) > 1:
            raise Refusal(_(_SEVERAL_ARTICLES))
        return found[0]

    def retriever(self, server: int | None) -> Several:
        """What answers a server's questions (None: the operator's)."""
        return self._retriever(self._library.askable(server))

    def measured(self, server: int) -> Retriever | None:
        """What ranks the sentences that a server may ask, to measure it; None while any of them still has to be encoded
        anew for the present model."""
        corpora = self._library.askable(server)
        if any(one.encoder is not self._encoder for one in corpora):
            return None
        return Retriever(corpora, self._encoder, self._ranker, reranker=self._reranker)

    def _keep(self, server: int, answer: Answer, person: int) -> None:
        try:
            if (corpus := self._library.corpus(server)) is not None:
                keep(answer, corpus.store, asker=person)
        except UserError as error:  # which must not cost the answer
            log.error("a question could not be kept: %s", error)

    def _answered(
        self,
        server: int,
        chosen: Askable | None,
        precision: float | None,
        put: Callable[[Several, Only | None], Answer],
    ) -> Answer:
        """What comes of putting a question to what the server may ask, or to the one article chosen."""
        corpora = self._library.askable(server)
        try:
            return self._put(server, corpora, chosen, precision, put)
        except UserError:
            now = self._library.askable(server)
            if [one.encoder for one in now] == [one.encoder for one in corpora]:
                raise
        return self._put(server, now, chosen, precision, put)  # another model has taken over just now

    def _put(
        self,
        server: int,
        corpora: Sequence[Corpus],
        chosen: Askable | None,
        precision: float | None,
        put: Callable[[Several, Only | None], Answer],
    ) -> Answer:
        retriever = self._retriever(corpora, precision)
        if chosen is None:
            return put(retriever, None)
        of = next((one for one in corpora if self._is_shared(one) == chosen.shared), None)
        if of is None:
            raise Refusal(_(_NO_SUCH_ARTICLE))
        return put(retriever, Only(of, chosen.article.id))

    def _retriever(self, corpora: Sequence[Corpus], precision: float | None = None) -> Several:
        precision = self._settings.precision if precision is None else precision
        return Several(corpora, self._encoder, self._ranker, precision=precision, reranker=self._reranker)

    def is_shared(self) -> bool:
        """Whether there is anything that may be asked outside of servers."""
        return bool(self._library.askable(NOWHERE))

    def shelf(self, server: int) -> Shelf:
        """What there is for a list of the server's articles."""
        articles = self._all(server)
        copies = Counter(one.copy_of for one in articles if one.copy_of is not None)
        return Shelf([one for one in articles if one.copy_of is None], copies, self._counts(server)[1])

    def articles(self, server: int) -> list[StoredArticle]:
        """The server's own articles, by title, without those that another stands for."""
        return [one for one in self._all(server) if one.copy_of is None]

    def matching(self, server: int, typed: str, *, uploads: bool = False, most: int = 25) -> list[StoredArticle]:
        """The server's own articles (or of them the uploads) whose title holds what was typed, by title."""
        articles = self._uploads(server) if uploads else self.articles(server)
        typed = typed.casefold().strip()
        return [one for one in articles if typed in one.title.casefold()][:most]

    def find(self, server: int, choice: str, *, upload: bool = False) -> StoredArticle:
        """The article of this server with this id or, if no id was chosen, this title.

        Raises:
            Refusal: the server has no such article, or several.
        """
        articles = self._uploads(server) if upload else self.articles(server)
        found = [one for one in articles if str(one.id) == choice]
        found = found or [one for one in articles if one.title.casefold() == choice.strip().casefold()]
        if not found:
            raise Refusal(_(_NO_SUCH_UPLOAD if upload else _NO_SUCH_ARTICLE))
        if len(found) > 1:
            raise Refusal(_(_SEVERAL_ARTICLES))
        return found[0]

    def remove(self, server: int, article_id: int) -> StoredArticle:
        """Removes one of the server's own articles for good, with what was uploaded, every trace of its text and the
        copies that it stands for. A page that gave it is looked at no longer, and a feed does not bring it back.

        Raises:
            Refusal: the server has no such article (any more).
        """
        corpus = self._library.corpus(server)
        article = corpus.store.article(article_id) if corpus else None
        if corpus is None or article is None:
            raise Refusal(_("That article is no longer there. /articles list shows what is."))
        gone = [article, *(one for one in corpus.store.articles() if one.copy_of == article_id)]
        _forget_pages(corpus, {one.source for one in gone})
        corpus.store.remove([one.id for one in gone], forget=True)
        return article

    def _uploads(self, server: int) -> list[StoredArticle]:
        corpus = self._library.corpus(server)
        if corpus is None:
            return []
        sources = {source for source, _ in corpus.store.uploads()}
        return [one for one in self.articles(server) if one.source in sources]

    def _all(self, server: int) -> list[StoredArticle]:
        corpus = self._library.corpus(server)
        return corpus.store.articles() if corpus else []

    def _counts(self, server: int) -> tuple[int, int]:
        own = self._library.corpus(server)
        numbers = [(one is own, one.store.statistics().articles) for one in self._library.askable(server)]
        return sum(n for mine, n in numbers if mine), sum(n for mine, n in numbers if not mine)


def _forget_pages(corpus: Corpus, articles: set[str]) -> None:
    """Forgets the pages that give nothing but these articles, so that none of them comes back."""
    ledger, there = corpus.store.ledger, corpus.store.versions().keys()
    for source in {one.id: one for article in articles for one in ledger.origins(article)}.values():
        if source.kind == "page" and not (ledger.articles_of(source.id) & there) - articles:
            ledger.remove(source.id)
