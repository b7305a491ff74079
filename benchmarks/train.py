"""Makes the ranker's file, `retrieval/ranker.json`, from question sets with annotated answers.

    python -m benchmarks.train FOLDER [FOLDER …] [--out FILE] [--data DIR] [--reranker MODEL]

Order: listwise softmax over a question's candidates (ListNet's top-one loss, Cao et al., "Learning to Rank: From
Pairwise Approach to Listwise Approach", 2007) of a linear score. Confidence: logistic regression of "the first one is
right" (Platt, 1999), over corpora that answer only some of the questions: half of a set's articles, articles without
every second paragraph, single articles made so, and questions that were written to have no answer. Both with an L2
penalty on standardised columns. Every set counts the same for the order. Only questions about articles of half 0
(`evaluation.sets.half`) are looked at; benchmarks/README.md reports on those of half 1.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit, log_softmax, logsumexp, softmax  # type: ignore[import-untyped]

from benchmarks.examples import Example, Firsts, Group, evidence_of, groups_of
from benchmarks.quality import show
from benchmarks.remembering import Remembering
from benchmarks.rereading import looking, read_of, reread_firsts
from evaluation.sets import load
from index.encoders import ModelEncoder
from index.errors import UserError
from retrieval.candidates import FEATURES
from retrieval.evidence import EVIDENCE, EXPECTED, WORDS
from retrieval.fusion import CONFIDENCE, ORDER
from retrieval.late_interaction import TOKENS
from retrieval.ranker import CIRCUMSTANCES, FORMAT, SHIPPED, LearnedRanker, Linear, circumstances
from retrieval.reranker import CrossEncoderReranker

Floats = NDArray[np.float64]

_LEXICAL = tuple(name for name in FEATURES if name.startswith("bm25"))
MODELS = {
    "full": EVIDENCE,
    "plain": tuple(name for name in EVIDENCE if name not in TOKENS),
    "words": (*_LEXICAL, *WORDS, *EXPECTED),
}
"""Model → the evidence that it may use."""
_OF_WORDS = ("score", "margin", "share", "sentences", "question_terms", "unknown_terms", "best_bm25",
             "best_bm25_paragraph", "best_coverage")  # fmt: skip
_ORDER_PENALTY = 0.01
_CONFIDENCE_PENALTY = 0.02
# What a group of each kind counts for confidence, if it has enough examples to tell much.
_KINDS = {"whole": 0.0, "half": 1.0, "gaps": 1.0, "alone": 2.0, "adversarial": 0.5}
_ENOUGH = 300
_LEAST_DEVIATION = 1e-3  # of a column that is always the same; it is rounded in the file
_PRECISIONS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


def fit_order(groups: Sequence[Group], columns: Sequence[int]) -> Linear:
    """The linear score under which the right candidates come first."""
    sets = [_padded(group.examples, columns) for group in groups if group.kind == "whole" and _has_right(group)]
    if not sets:
        raise UserError(
            "There is nothing to learn from: no question about an article of half 0 has its answer among the "
            "candidates. Train on larger sets."
        )
    rows = np.concatenate([values[real] for values, _, real in sets])
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), _LEAST_DEVIATION)
    sets = [((values - mean) / deviation, right, real) for values, right, real in sets]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, gradient = _ORDER_PENALTY * weights @ weights, 2 * _ORDER_PENALTY * weights
        for values, right, real in sets:
            scores = np.where(real, values @ weights, -np.inf)
            logs = log_softmax(scores, axis=1)
            good = np.where(right, logs, -np.inf)
            total -= logsumexp(good, axis=1).mean() / len(sets)
            pull = np.exp(logs) - softmax(good, axis=1)
            gradient += np.einsum("qn,qnf->f", pull, values) / len(values) / len(sets)
        return float(total), gradient

    weights = minimize(loss, np.zeros(len(columns)), jac=True, method="L-BFGS-B").x
    return Linear(tuple(columns), mean, deviation, weights, 0.0)


def _has_right(group: Group) -> bool:
    return any(one.right.any() for one in group.examples)


def _padded(examples: Sequence[Example], columns: Sequence[int]) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """(questions, candidates, columns) of evidence, which are right, and which are there at all."""
    told = [one for one in examples if one.right.any()]
    most = max(len(one.right) for one in told)
    values = np.zeros((len(told), most, len(columns)))
    right, real = np.zeros((2, len(told), most), np.bool_)
    for i, one in enumerate(told):
        n = len(one.right)
        values[i, :n], right[i, :n], real[i, :n] = one.evidence[:, columns], one.right, True
    return values, right, real


def firsts(group: Group, ranking: Linear) -> Firsts:
    """Of each question's first candidate (n, all columns); whether it is right; whether the corpus answers it."""
    values, right = [], []
    for one in group.examples:
        scores = ranking.of(one.evidence)
        first = int(np.argmax(scores))
        values.append(np.concatenate([one.evidence, circumstances(one.evidence, scores, one.weights)], axis=1)[first])
        right.append(one.right[first])
    return np.array(values), np.array(right), np.array([one.inside for one in group.examples])


def fit_confidence(
    groups: Sequence[Group], ranking: Linear, columns: Sequence[int], look: Callable[[Group, Linear], Firsts] = firsts
) -> Linear:
    """The logistic model of "the first one is right"."""
    told = [group for group in groups if _KINDS[group.kind] and group.examples]
    parts = [(look(group, ranking), _KINDS[group.kind] * min(1, len(group.examples) / _ENOUGH)) for group in told]
    values = np.concatenate([part[0][:, columns] for part, _ in parts])
    right = np.concatenate([part[1] for part, _ in parts]).astype(np.float64)
    share = np.concatenate(
        [
            weight * (_half_and_half(part[2]) if group.kind == "half" else np.full(len(part[2]), 1 / len(part[2])))
            for group, (part, weight) in zip(told, parts, strict=True)
        ]
    )
    share /= share.sum()
    mean = share @ values
    deviation = np.maximum(np.sqrt(share @ (values - mean) ** 2), _LEAST_DEVIATION)
    values = (values - mean) / deviation

    def loss(found: Floats) -> tuple[float, Floats]:
        margin = values @ found[:-1] + found[-1]
        error = share * (expit(margin) - right)
        value = share @ (np.logaddexp(0, margin) - right * margin) + _CONFIDENCE_PENALTY * found[:-1] @ found[:-1]
        return float(value), np.r_[values.T @ error + 2 * _CONFIDENCE_PENALTY * found[:-1], error.sum()]

    found = minimize(loss, np.zeros(len(columns) + 1), jac=True, method="L-BFGS-B").x
    return Linear(tuple(columns), mean, deviation, found[:-1], float(found[-1]))


def scaled(
    groups: Sequence[Group], ranking: Linear, confidence: Linear, look: Callable[[Group, Linear], Firsts] = firsts
) -> Linear:
    """The same confidence on the scale of corpora that hold half of the articles asked about (Platt scaling).

    What it learned from harder questions decides which hits it is surer of; how sure it says to be is measured where
    questions are as people ask them.
    """
    parts = [look(group, ranking) for group in groups if group.kind == "half" and group.examples]
    if not parts:
        return confidence
    margin = np.concatenate([confidence.of(values) for values, _, _ in parts])
    right = np.concatenate([told for _, told, _ in parts]).astype(np.float64)
    share = np.concatenate([_half_and_half(inside) for _, _, inside in parts]) / len(parts)

    def loss(found: Floats) -> tuple[float, Floats]:
        logit = margin * found[0] + found[1]
        error = share * (expit(logit) - right)
        return float(share @ (np.logaddexp(0, logit) - right * logit)), np.array([error @ margin, error.sum()])

    slope, shift = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.1, 10), (-10, 10)]).x
    return replace(
        confidence, weights=confidence.weights * slope, intercept=float(confidence.intercept * slope + shift)
    )


def _half_and_half(inside: NDArray[np.bool_]) -> Floats:
    """Weights under which the questions that are answered count as much as those that are not; their sum is 1."""
    shares = np.where(inside, 0.5 / max(1, inside.sum()), 0.5 / max(1, (~inside).sum()))
    return np.asarray(shares / shares.sum())


def thresholds(
    groups: Sequence[Group], ranking: Linear, confidence: Linear, look: Callable[[Group, Linear], Firsts] = firsts
) -> list[tuple[float, float]]:
    """Precision → the least probability from which on the answers given are right that often, half of the questions
    having none."""
    chances, rights, shares = [], [], []
    for group in groups:
        if group.kind == "half":
            values, right, inside = look(group, ranking)
            chances.append(expit(confidence.of(values)))
            rights.append(right)
            shares.append(_half_and_half(inside))
    chance, right, share = np.concatenate(chances), np.concatenate(rights), np.concatenate(shares)
    order = np.argsort(-chance)
    precision = np.cumsum((share * right)[order]) / np.cumsum(share[order])
    found = []
    for wanted in _PRECISIONS:
        reached = np.flatnonzero(precision >= wanted)
        found.append((wanted, round(float(chance[order[reached[-1]]]), 4) if len(reached) else 1.0))
    return found


def described(model: Linear, columns: Sequence[str]) -> dict[str, Any]:
    """A model as it stands in the file, what weighs most first."""
    terms = {
        columns[column]: {"weight": weight, "mean": mean, "deviation": deviation}
        for column, weight, mean, deviation in zip(
            model.columns,
            *(part.round(4).tolist() for part in (model.weights, model.mean, model.deviation)),
            strict=True,
        )
    }
    ordered = dict(sorted(terms.items(), key=lambda term: -abs(term[1]["weight"])))
    return {"intercept": round(model.intercept, 4), "terms": ordered}


def trained(groups: Sequence[Group], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The content of the ranker's file."""
    everything = (*EVIDENCE, *CIRCUMSTANCES)
    models = {}
    for name, allowed in MODELS.items():
        ranking = fit_order(groups, [EVIDENCE.index(one) for one in allowed])
        told = _OF_WORDS if name == "words" else CIRCUMSTANCES
        confidence = fit_confidence(groups, ranking, [everything.index(one) for one in (*allowed, *told)])
        confidence = scaled(groups, ranking, confidence)
        models[name] = {
            "thresholds": dict(thresholds(groups, ranking, confidence)),
            "ranking": described(ranking, EVIDENCE),
            "confidence": described(confidence, everything),
        }
    return {"format": FORMAT, "made": dict(provenance), "models": models}


def with_reranker(groups: Sequence[Group], provenance: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The content of the shipped ranker's file, and how this cross-encoder's logits count beside it."""
    read = read_of(groups)
    order = fit_order(read, range(len(ORDER)))
    confidence = fit_confidence(read, order, range(len(CONFIDENCE)), reread_firsts)
    content: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    content["reranker"] = {
        "model": model,
        "made": dict(provenance),
        "thresholds": dict(thresholds(read, order, confidence, reread_firsts)),
        "order": described(order, ORDER),
        "confidence": described(confidence, CONFIDENCE),
    }
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument(
        "--unanswerable",
        nargs="+",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="a set that only tells when to refuse",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the ranker's file")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    parser.add_argument("--reranker", metavar="MODEL", help="fit this cross-encoder beside the ranker as it is")
    options = parser.parse_args(arguments)
    if options.reranker and not options.out:
        parser.error("--reranker needs --out FILE")
    try:
        if options.data:
            options.data.mkdir(parents=True, exist_ok=True)
        encoder = Remembering(ModelEncoder(), options.data)
        reranker = CrossEncoderReranker(options.reranker, budget_ms=math.inf) if options.reranker else None
        look = looking(LearnedRanker(), reranker) if reranker else evidence_of
        groups: list[Group] = []
        for folder in options.folders:
            groups += groups_of(load(folder), encoder, show, look=look)
        for folder in options.unanswerable:
            groups += groups_of(load(folder), encoder, show, look=look, kinds={"adversarial", "alone"})
        made = {
            "by": _command(options),
            "with": {name: version(name) for name in ("sentence-transformers", "torch", "numpy", "scipy")},
            "encoder": encoder.identity.model,
            "fitted on": "questions about the articles whose id has an even first byte in its MD5",
            "questions": {f"{one.name}, {one.kind}": len(one.examples) for one in groups},
            "weight of each kind for confidence": _KINDS,
            "penalties": {"order": _ORDER_PENALTY, "confidence": _CONFIDENCE_PENALTY},
        }
        content = with_reranker(groups, made, reranker.identity) if reranker else trained(groups, made)
        (options.out or SHIPPED).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _command(options: argparse.Namespace) -> str:
    """The command that was given, but for where files lie."""
    parts = ["python -m benchmarks.train", *(folder.resolve().name for folder in options.folders)]
    if options.unanswerable:
        parts += ["--unanswerable", *(folder.resolve().name for folder in options.unanswerable)]
    return " ".join([*parts, "--reranker MODEL"] if options.reranker else parts)


if __name__ == "__main__":
    sys.exit(main())
