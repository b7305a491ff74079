"""What each kind of evidence brings: the ranker is fitted without it, and asked the questions held back.

    python -m benchmarks.ablation FOLDER [FOLDER …] [--data DIR]

Both ways: fitted on half 0 and reported on half 1, which is how the shipped file was made, and the other way round.
"""

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from benchmarks.examples import Group, groups_of
from benchmarks.quality import show
from benchmarks.remembering import Remembering
from benchmarks.train import fit_order
from evaluation.sets import load
from index.encoders import ModelEncoder
from index.errors import UserError
from retrieval.candidates import FEATURES
from retrieval.evidence import EVIDENCE, EXPECTED
from retrieval.late_interaction import TOKENS

FAMILIES: dict[str, Collection[str]] = {
    "nothing": (),
    "tokens": TOKENS,
    "the sentence's own cosine and BM25": ("dense", "bm25"),
    "the paragraph": ("dense_paragraph", "bm25_paragraph", "paragraph_rest", "coverage"),
    "the neighbours": ("coverage_window", "pronoun_gain", "tokens_window", "tokens_window_idf", "tokens_gap_window"),
    "the article": ("article_dense", "article_best", "lead"),
    "the title": ("coverage_title", "tokens_title"),
    "what is missing": ("terms_missing", "names_missing", "numbers_missing", "tokens_gap", "tokens_gap_window"),
    "length and what is new": ("length", "novelty", "names_new"),
    "the kind of answer": EXPECTED,
    "all but the four of the first look": [name for name in EVIDENCE if name not in FEATURES],
}
"""What is left out → its columns."""


def figures(groups: Sequence[Group], columns: Sequence[int], fitted: int) -> list[tuple[float, float]]:
    """(MRR, R@1) of every set's other half, fitted on the `fitted` one of the groups' two halves."""
    names = list(dict.fromkeys(group.name for group in groups))
    halves = {(group.name, i): group for name in names for i, group in enumerate(g for g in groups if g.name == name)}
    ranking = fit_order([halves[name, fitted] for name in names], columns)
    found = []
    for name in names:
        ranks = []
        for one in halves[name, 1 - fitted].examples:
            scores = ranking.of(one.evidence)
            ranks.append(1 + (scores > scores[one.right].max()).sum() if one.right.any() else np.inf)
        reciprocal = 1 / np.array(ranks, np.float64)
        found.append((float(reciprocal.mean()), float((reciprocal == 1).mean())))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    options = parser.parse_args(arguments)
    try:
        encoder = Remembering(ModelEncoder(), options.data)
        sets = [load(folder) for folder in options.folders]
        groups = [
            group
            for one in sets
            for of in (0, 1)
            for group in groups_of(one, encoder, show, of_half=of, kinds={"whole"})
        ]
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print("MRR / R@1, held back; and the other way round: " + ", ".join(one.name for one in sets))
    for name, left_out in FAMILIES.items():
        columns = [i for i, column in enumerate(EVIDENCE) if column not in left_out]
        both = ["  ".join(f"{mrr:.3f}/{first:.3f}" for mrr, first in figures(groups, columns, of)) for of in (0, 1)]
        print(f"without {name:40}{both[0]}   |   {both[1]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
