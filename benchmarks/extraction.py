"""Measures the main text that the HTML reader finds on real pages: `python -m benchmarks.extraction FOLDER`.

FOLDER is a checkout of scrapinghub/article-extraction-benchmark (MIT): 181 pages of 2019 (`html/ID.html.gz`) and the
article bodies that people marked (`ground-truth.json`). Its pages are others' and are not part of this repository. The
measure is that of its README: texts are compared as multisets of runs of four words; precision and recall are averaged
over pages, F1 is theirs. Beside the reader of this program: trafilatura as it comes, and all text of the page.
"""

import argparse
import gzip
import json
import random
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trafilatura

from index.errors import UserError
from index.readers import markup, read

_RUN = 4  # words
_RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many runs of words a text has in common with the marked one, how many too many, and how many it lacks."""

    common: int
    surplus: int
    lacking: int

    @property
    def precision(self) -> float:
        return self.common / max(self.common + self.surplus, 1)

    @property
    def recall(self) -> float:
        return self.common / max(self.common + self.lacking, 1)


def overlap(found: str, marked: str) -> Overlap:
    """The overlap of two texts' runs of four words."""
    a, b = _runs(found), _runs(marked)
    common = (a & b).total()
    return Overlap(common, a.total() - common, b.total() - common)


def _runs(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    length = min(_RUN, len(words))
    return Counter(tuple(words[i : i + length]) for i in range(len(words) - length + 1)) if words else Counter()


def f1(overlaps: Sequence[Overlap]) -> tuple[float, float, float]:
    """F1, precision (of the pages where anything was found) and recall, averaged over pages."""
    precision = statistics.fmean(one.precision for one in overlaps if one.common + one.surplus)
    recall = statistics.fmean(one.recall for one in overlaps if one.common + one.lacking)
    return 2 * precision * recall / (precision + recall), precision, recall


def by_reader(data: bytes) -> str:
    """What this program makes of the page."""
    try:
        return read(data, "page", "page.html").text
    except UserError:
        return ""


def by_trafilatura(data: bytes) -> str:
    """What trafilatura finds by its defaults, without comments."""
    return trafilatura.extract(data, include_comments=False) or ""


def all_text(data: bytes) -> str:
    """Every word of the page."""
    return markup.lines(markup.parse(data.decode(errors="replace")))


EXTRACTORS: Mapping[str, Callable[[bytes], str]] = {
    "this program": by_reader,
    "trafilatura, as it comes": by_trafilatura,
    "all text": all_text,
}


def interval(overlaps: Sequence[Overlap]) -> tuple[float, float]:
    """The 95% interval of F1, by resampling pages."""
    chance = random.Random(0)  # noqa: S311 — a sample, no secret
    values = sorted(f1(chance.choices(overlaps, k=len(overlaps)))[0] for _ in range(_RESAMPLES))
    return values[int(0.025 * _RESAMPLES)], values[int(0.975 * _RESAMPLES)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a row for each extractor, and with `--worst` the pages where the reader fares worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worst", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    marked = json.loads((options.folder / "ground-truth.json").read_text(encoding="utf-8"))
    pages = {key: gzip.decompress((options.folder / "html" / f"{key}.html.gz").read_bytes()) for key in sorted(marked)}
    print(f"{len(pages)} pages\n\n| extractor | F1 | 95% | precision | recall |\n|---|---|---|---|---|")
    for name, extract in EXTRACTORS.items():
        overlaps = [overlap(extract(data), marked[key]["articleBody"]) for key, data in pages.items()]
        score, precision, recall = f1(overlaps)
        low, high = interval(overlaps)
        print(f"| {name} | {score:.3f} | {low:.3f}–{high:.3f} | {precision:.3f} | {recall:.3f} |")
        if name == "this program" and options.worst:
            worst = sorted(zip(overlaps, pages, strict=True), key=lambda one: one[0].precision + one[0].recall)
            for one, key in worst[: options.worst]:
                print(f"{key[:8]} {one.precision:.2f} {one.recall:.2f} {marked[key]['url']}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
