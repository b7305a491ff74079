"""What is learned from people's questions, on published sets: how well they are grouped by meaning, and how often a
change of ranking is called worse that is, or is not.

    python -m benchmarks.learning FOLDER [FOLDER …] [--limit N]

Questions with a common annotated answer belong together. Judgements are made up from the annotations: of three hits
shown, the first that holds an answer helped; where none does, none helped.
"""

import argparse
import math
import random
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations, permutations
from pathlib import Path

import numpy as np

from benchmarks.quality import show
from evaluation.asking import holds_a_span
from evaluation.passing import corpus_of
from evaluation.sets import Question, QuestionSet, half, load, spaced
from evaluation.systems import SYSTEMS, EncodedQuestions, Place, Ranking, rank_all
from index.encoders import ModelEncoder
from index.errors import UserError
from retrieval.feedback import compared
from retrieval.gaps import ALIKE, grouped
from retrieval.retriever import Retriever

_LISTS, _LENGTH = 30, 200  # lists of questions that are grouped, and questions in each
_DRAWS, _JUDGED = 200, (20, 50, 150)  # times that judged questions are drawn, and how many
_SHOWN = 3
_LEAST = (1.0, 1.1, ALIKE, 1.3)

Hits = list[tuple[Place, float, bool]]  # the first places, each with its rank, and whether it is right


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures of each set; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__.partition("\n\n")[0])
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="a question set")
    parser.add_argument("--limit", metavar="N", type=int, help="ask N questions of each set")
    options = parser.parse_args(arguments)
    encoder = ModelEncoder()
    try:
        for folder in options.folders:
            questions = load(folder)
            _print_groups(questions, encoder)
            _print_warnings(questions, encoder, options.limit)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


# -- groups


def _print_groups(questions: QuestionSet, encoder: ModelEncoder) -> None:
    print(f"\n{questions.name}: grouping | alike | precision | recall | F0.5")
    for number in (0, 1):
        some = [one for one in questions.questions if one.answerable and half(one.article) == number]
        belongs = _belonging(some)
        vectors = encoder.encode_questions([one.text for one in some])
        lists = list(_lists(belongs, random.Random(1)))  # noqa: S311 — the same each time
        for least in _LEAST:
            found = np.zeros(3)
            for rows in lists:
                groups = grouped(vectors[rows], encoder.yardstick.cosine, least=least)
                got, wanted = _pairs(groups), _pairs(_by_label([belongs[row] for row in rows]))
                found += len(got & wanted), len(got), len(wanted)
            precision, recall = found[0] / max(1, found[1]), found[0] / max(1, found[2])
            measure = 1.25 * precision * recall / max(1e-9, 0.25 * precision + recall)
            print(f"half {number} | {least:.1f} | {precision:.3f} | {recall:.3f} | {measure:.3f}")


def _belonging(questions: Sequence[Question]) -> list[int]:
    """A number for each question, the same for those that share an answer's place, if only by others."""
    labels = list(range(len(questions)))
    seen: dict[object, int] = {}
    for row, question in enumerate(questions):
        for span in question.spans:
            other = seen.setdefault((question.article, span), row)
            if labels[other] != labels[row]:
                old, new = labels[row], labels[other]
                labels = [new if one == old else one for one in labels]
    return labels


def _lists(belongs: Sequence[int], rng: random.Random) -> Iterator[list[int]]:
    """Half of a list are questions that belong to another one, as far as there are such; one each of the rest."""
    groups = _by_label(belongs)
    several, single = ([one for one in groups if (len(one) > 1) is more] for more in (True, False))
    for _ in range(_LISTS):
        chosen: list[int] = []
        for group in rng.sample(several, len(several)):
            if len(chosen) < _LENGTH // 2:
                chosen += group
        chosen += [row for (row,) in rng.sample(single, min(len(single), _LENGTH - len(chosen)))]
        yield rng.sample(chosen, len(chosen))


def _by_label(labels: Iterable[int]) -> list[list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for row, label in enumerate(labels):
        found[label].append(row)
    return list(found.values())


def _pairs(groups: Iterable[Sequence[int]]) -> set[tuple[int, int]]:
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


# -- warnings


def _print_warnings(questions: QuestionSet, encoder: ModelEncoder, limit: int | None) -> None:
    asked = spaced([one for one in questions.questions if one.answerable], limit)
    encoded = EncodedQuestions(encoder, [one.text for one in asked])
    hits: list[dict[str, Hits]] = []
    with corpus_of(questions.articles, encoded) as corpus:
        retriever = Retriever([corpus], encoded)
        for number, question in enumerate(asked, start=1):
            ranked = rank_all(retriever, [corpus], encoded, question.text)
            hits.append({name: _hits(ranking, question) for name, ranking in ranked.items()})
            show(questions.name, number, len(asked))
    mrr = {name: np.mean([_first(one[name], _right(one[name])) ** -1.0 for one in hits]) for name in SYSTEMS}
    print(f"\n{questions.name}: judged by → measured | MRR | called worse, of " + ", ".join(map(str, _JUDGED)))
    rng = random.Random(0)  # noqa: S311 — the same each time
    for before, now in permutations(SYSTEMS, 2):
        pairs = [_scores(one[before], one[now]) for one in hits]
        shares = [_called_worse(pairs, number, rng) for number in _JUDGED if number <= len(pairs)]
        print(f"{before} → {now} | {mrr[now] - mrr[before]:+.3f} | {' '.join(f'{share:.0%}' for share in shares)}")


def _hits(ranking: Ranking, question: Question) -> Hits:
    is_right = holds_a_span(question)
    order = np.argsort(ranking.ranks, kind="stable")[:60]
    return [(ranking.places[i], float(ranking.ranks[i]), is_right(ranking.places[i])) for i in order]


def _right(hits: Hits) -> set[Place]:
    return {place for place, _, right in hits if right}


def _first(hits: Hits, places: Collection[Place]) -> float:
    return next((rank for place, rank, _ in hits if place in places), math.inf)


def _scores(before: Hits, now: Hits) -> tuple[float, float]:
    """What a judgement of the one says of both, as `retrieval.feedback.Result` has it."""
    shown = [one for one in before if one[1] <= _SHOWN]
    right = [place for place, _, is_right in shown if is_right][:1]
    if right:
        return _first(before, right) ** -1.0, _first(now, right) ** -1.0
    wrong = {place for place, _, _ in shown}
    return 1 - _first(before, wrong) ** -1.0, 1 - _first(now, wrong) ** -1.0


def _called_worse(pairs: Sequence[tuple[float, float]], number: int, rng: random.Random) -> float:
    called = 0
    for _ in range(_DRAWS):
        drawn = rng.sample(pairs, number)
        before, now = ({str(n): pair[which] for n, pair in enumerate(drawn)} for which in (0, 1))
        comparison = compared(before, now)
        called += comparison is not None and comparison.lower
    return called / _DRAWS


if __name__ == "__main__":
    sys.exit(main())
