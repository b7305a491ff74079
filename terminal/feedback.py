"""`evaluate --from-feedback`: the questions that people judged in Discord, asked again of the articles as they are.

The judgements stand in the data folder. What is measured is kept beside them, so that another model or ranker can be
compared with this one.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from index.errors import UserError
from terminal import evaluating, show
from terminal.session import Exit, Session

if TYPE_CHECKING:
    from evaluation.own import Evaluation
    from index.article import Article
    from index.corpus import Library
    from index.encoder import Encoder
    from records.learning import Score
    from records.records import Records
    from retrieval.feedback import Comparison, Configuration, Feedback, Result

_HOW = (
    "People judge answers by 👍 and 👎 below them, where their server’s question log is turned on in /settings; run "
    "this again once more of them have"
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the people of one server judged, as far as it still stands in the articles that it may ask."""

    server: int
    feedback: "Feedback"
    articles: "dict[str, Article]"


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one server's judgements came to: the result of each question, the tables of those with a right sentence, and
    beside which earlier scores that stands, the last first."""

    server: int
    feedback: "Feedback"
    results: "list[Result]"
    found: "Evaluation | None"
    earlier: "list[tuple[Score, Comparison]]"

    @property
    def name(self) -> str:
        return f"server {self.server}"

    @property
    def score(self) -> float:
        return sum(one.score for one in self.results) / len(self.results)


def run(
    session: Session, server: int | None, *, write: Path | None, as_json: Path | None, as_html: Path | None
) -> Exit:
    """Evaluates one server's judgements, or those of every server by themselves.

    Raises:
        UserError: no server has enough of them, or a file cannot be written.
    """
    evaluating.demand_folders(write, as_json, as_html)
    done = []
    with session.library() as (library, encoder), closing(_records(session)) as records:
        judged = [_standing(library, records, one) for one in _wanted(records, server)]
        if write is not None:
            _write_set(write, judged)
        for one in judged:
            if _is_enough(session, one):
                done.append(_measured(session, library, encoder, records, one))
    if not done:
        raise UserError(f"There are too few judged questions to tell anything. {_HOW}.")
    for measured in done:
        _print(session, measured)
    if as_json is not None:
        evaluating.write(as_json, json.dumps([_data(one) for one in done], ensure_ascii=False, indent=1) + "\n")
    if as_html is not None:
        from evaluation.page import page

        found = {one.name: one.found for one in done if one.found is not None}
        misses = [miss for one in found.values() for miss in one.misses]
        title = f"{sum(len(one.results) for one in done):,} judged questions"
        evaluating.write(as_html, page(title, {name: one.tables for name, one in found.items()}, misses))
    return Exit.DONE


def is_there(session: Session) -> bool:
    """Whether anybody has judged an answer."""
    from records.records import FILE

    if not (session.config.data / FILE).exists():
        return False
    with closing(_records(session)) as records:
        return bool(records.learning.judged())


def _records(session: Session) -> "Records":
    from records.records import FILE, Records

    folder = session.config.data
    if not (folder / FILE).exists():
        raise UserError(f"Nothing has been judged yet: there is no {FILE} in {folder}. {_HOW}.")
    return Records(folder)


def _wanted(records: "Records", server: int | None) -> list[int]:
    judged = list(records.learning.judged())
    if not judged or (server is not None and server not in judged):
        where = "" if server is None else f" in server {server}"
        raise UserError(f"Nothing has been judged yet{where}. {_HOW}.")
    return judged if server is None else [server]


def _standing(library: "Library", records: "Records", server: int) -> _Judged:
    from retrieval.feedback import merged, still_there

    articles = evaluating.articles_of(library.askable(server))
    texts = {source: article.text for source, article in articles.items()}
    return _Judged(server, still_there(merged(records.answers.judgements(server)), texts), articles)


def _is_enough(session: Session, judged: _Judged) -> bool:
    from retrieval.feedback import ENOUGH

    number = len(judged.feedback.questions)
    if number >= ENOUGH:
        return True
    text = f"Server {judged.server}: {_number(number, 'judged question')}, and {ENOUGH} are needed."
    text += _left_out(judged.feedback)
    session.err.print(text, soft_wrap=True)
    return False


def _write_set(path: Path, judged: list[_Judged]) -> None:
    from evaluation.feedback import lines

    if len(judged) > 1:
        servers = ", ".join(str(one.server) for one in judged)
        raise UserError(f"A file is about the articles of one server. Name one of these with --server: {servers}.")
    written = list(lines(judged[0].feedback.questions))
    if not written:
        raise UserError(f"{path} was not written: no answer has been judged helpful yet. {_HOW}.")
    evaluating.write(path, "".join(written))


def _measured(
    session: Session, library: "Library", encoder: "Encoder", records: "Records", judged: _Judged
) -> _Measured:
    from evaluation import own
    from evaluation.feedback import answerable
    from evaluation.systems import EncodedQuestions
    from retrieval.feedback import result

    corpora, feedback, articles = library.askable(judged.server), judged.feedback, judged.articles
    texts = {source: article.text for source, article in articles.items()}
    encoded = EncodedQuestions(encoder, [one.question for one in feedback.questions])
    retriever = session.retriever(corpora, encoded)
    results = [result(retriever, one, texts) for one in feedback.questions]
    located, found = answerable(feedback.questions, texts), None
    if located:
        with evaluating.progress(session.err) as progress:
            found = own.evaluate(located, articles, corpora, encoder, progress, make_retriever=session.retriever)
    scores = {one.key: result.score for one, result in zip(feedback.questions, results, strict=True)}
    earlier = _compared(records, judged.server, _configuration(session, encoder), scores)
    return _Measured(judged.server, feedback, results, found, earlier)


def _configuration(session: Session, encoder: "Encoder") -> "Configuration":
    from retrieval.feedback import configuration

    ranker, reranker = session.ranker, session.reranker
    return configuration(encoder.identity, f"{ranker.identity}+{reranker.identity}" if reranker else ranker.identity)


def _compared(
    records: "Records", server: int, now: "Configuration", scores: dict[str, float]
) -> "list[tuple[Score, Comparison]]":
    """Keeps the present scores, and puts them beside those of every other model and ranker, the last measured first."""
    from records.learning import Score
    from retrieval.feedback import compared

    others = [one for one in records.learning.scores(server) if (one.model, one.ranker) != (now.model, now.ranker)]
    records.learning.keep(server, Score(now.model, now.ranker, time.time(), scores))
    pairs = [(one, compared(one.results, scores)) for one in reversed(others)]
    return [(one, comparison) for one, comparison in pairs if comparison is not None]


# -- what is said of it


def _print(session: Session, measured: _Measured) -> None:
    from evaluation import report

    if measured.found is not None:
        for line in report.table_lines(measured.name, measured.found.tables):
            session.out.print(show.plain(line), soft_wrap=True)
        asked = sum(bool(one.right) for one in measured.feedback.questions)
        show.write(session.out, evaluating.miss_blocks(measured.found.misses, asked))
    show.write(session.out, _summary(measured))


def _summary(measured: _Measured) -> Iterator[show.Block]:
    yield show.Block(0, Text())
    judged = _number(len(measured.results), "judged question")
    yield show.Block(0, Text(f"Server {measured.server}: {judged}.{_left_out(measured.feedback)}", style="bold"))
    yield show.Block(0, Text(_wrong_first(measured)))
    yield show.Block(0, Text(f"Mean score: {measured.score:.3f}."))
    for score, comparison in measured.earlier:
        yield show.Block(0, Text(_beside(score, comparison), style="bold" if comparison.lower else ""))


def _left_out(feedback: "Feedback") -> str:
    parts = []
    if feedback.disagree:
        parts.append(f"{_number(feedback.disagree, 'sentence')} on which as many say yes as no")
    if feedback.gone:
        parts.append(f"{_number(feedback.gone, 'sentence')} no longer in the articles")
    return f" Left out: {' and '.join(parts)}." if parts else ""


def _wrong_first(measured: _Measured) -> str:
    pairs = zip(measured.feedback.questions, measured.results, strict=True)
    first = [result.wrong_first for one, result in pairs if one.wrong]
    if not first:
        return "No sentence was judged wrong."
    share = sum(first) / len(first)
    return (
        f"Of {_number(len(first), 'question')} with sentences judged wrong, {sum(first)} have one first ({share:.0%})."
    )


def _beside(score: "Score", comparison: "Comparison") -> str:
    day = datetime.fromtimestamp(score.measured, UTC).date().isoformat()
    figures = f"{comparison.now:.3f} instead of {comparison.before:.3f} on the {comparison.questions} questions of both"
    changed = f"{comparison.worse} answered worse, {comparison.better} better"
    said = "That is no worse."
    if comparison.lower:
        said = (
            f"That is WORSE, beyond chance (sign test, p = {comparison.likely:.3f}). Look at the misses; to go back, "
            "set the model and the ranker as they were, and run index --rebuild if the model was another."
        )
    elif comparison.now < comparison.before:
        said = f"That is lower, which may be chance (sign test, p = {comparison.likely:.3f})."
    return f"Beside {score.model} with ranker {score.ranker}, measured on {day}: {figures}; {changed}. {said}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _data(measured: _Measured) -> dict[str, Any]:
    return {
        "server": measured.server,
        "questions": len(measured.results),
        "disagree": measured.feedback.disagree,
        "gone": measured.feedback.gone,
        "score": measured.score,
        "judged_wrong": sum(bool(one.wrong) for one in measured.feedback.questions),
        "wrong_first": sum(one.wrong_first for one in measured.results),
        "earlier": [
            {"model": score.model, "ranker": score.ranker, "measured": score.measured}
            | asdict(comparison)
            | {"lower": comparison.lower}
            for score, comparison in measured.earlier
        ],
    } | (evaluating.data(measured.found) if measured.found is not None else {"tables": [], "misses": []})
