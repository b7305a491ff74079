"""Measures `index.sentences.split` on public sentence boundaries: `python -m benchmarks.segmentation FOLDER`.

FOLDER holds `sentseg-ud-ewt/dev.jsonl.gz` (the dev set of UD English EWT, CC BY-SA 4.0; a line has `id`, `text`,
`genre` and `sentences`, a list of `[start, end)` code point offsets) and
`sentseg-golden-rules/golden_rules.jsonl.gz` (pySBD's golden rules, MIT; a line has `lang`, `text` and
`sentences`, a list of strings). Where it also holds `xquad/LANGUAGE/articles.jsonl.gz` (XQuAD, CC BY-SA 4.0; a line
has `text` and `sentences`, a list of offsets), its sentences are measured, too. The product needs none of them.
"""

import argparse
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sentencex

from index.article import Sentence
from index.language import code_of
from index.sentences import split

Splitter = Callable[[str], list[Sentence]]

EWT = Path("sentseg-ud-ewt", "dev.jsonl.gz")
GOLDEN = Path("sentseg-golden-rules", "golden_rules.jsonl.gz")
XQUAD = "xquad/*/articles.jsonl.gz"


class Document(NamedTuple):
    """A text, its genre, and where its sentences are."""

    text: str
    genre: str
    gold: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """Micro-averaged precision, recall and F1 of exact spans."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, splitter: Splitter, documents: Iterable[Document]) -> "Score":
        """The score of `splitter` over all spans of `documents` together."""
        right = found = wanted = 0
        for document in documents:
            spans = {(span.start, span.end) for span in splitter(document.text)}
            right += len(spans & document.gold)
            found += len(spans)
            wanted += len(document.gold)
        if not right:
            return cls(0.0, 0.0, 0.0)
        return cls(right / found, right / wanted, 2 * right / (found + wanted))


@dataclass(frozen=True, slots=True)
class GoldenFailure:
    """A golden rule that fails: what it wants, what it got, and which boundaries differ."""

    wanted: list[str]
    got: list[str]
    why: str


def sentencex_alone(text: str, language: str = "en") -> list[Sentence]:
    """sentencex's own spans, stripped: what the product adds to is what it is compared with."""
    spans: list[Sentence] = []
    offset = 0
    for segment in sentencex.segment(language, text):
        if segment.strip():
            start = offset + len(segment) - len(segment.lstrip())
            spans.append(Sentence(start, offset + len(segment.rstrip())))
        offset += len(segment)
    return spans


def read_ewt(folder: Path) -> list[Document]:
    """The documents of UD EWT dev."""
    return [
        Document(row["text"], row["genre"], frozenset((start, end) for start, end in row["sentences"]))
        for row in _rows(folder / EWT)
    ]


def read_golden(folder: Path, language: str = "english") -> list[tuple[str, list[str]]]:
    """The golden rules of a language, named as the file does: a text and its sentences."""
    return [(row["text"], row["sentences"]) for row in _rows(folder / GOLDEN) if row["lang"] == language]


def read_xquad(folder: Path) -> dict[str, list[Document]]:
    """Language → the articles of XQuAD; empty where it is not there."""
    files = sorted(folder.glob(XQUAD))
    return {
        file.parent.name: [Document(row["text"], "", frozenset(map(tuple, row["sentences"]))) for row in _rows(file)]
        for file in files
    }


def golden_failures(splitter: Splitter, rules: Iterable[tuple[str, list[str]]]) -> list[GoldenFailure]:
    """The rules whose stripped sentences `splitter` does not find exactly."""
    failures = []
    for text, wanted in rules:
        got = [span.of(text) for span in splitter(text)]
        if got != wanted:
            failures.append(GoldenFailure(wanted, got, _why(wanted, got)))
    return failures


def measure(folder: Path) -> dict[str, Any]:
    """Everything this command reports, as JSON-ready values."""
    documents, rules = read_ewt(folder), read_golden(folder)
    genres = defaultdict(list)
    for document in documents:
        genres[document.genre].append(document)
    speeds = {name: _speed(splitter, documents) for name, splitter in _SPLITTERS.items()}
    failures = {name: golden_failures(splitter, rules) for name, splitter in _SPLITTERS.items()}
    return {
        "ewt": {
            name: {
                "all": asdict(Score.of(splitter, documents)),
                **{genre: asdict(Score.of(splitter, members)) for genre, members in sorted(genres.items())},
            }
            for name, splitter in _SPLITTERS.items()
        },
        "golden": {
            name: {"passed": len(rules) - len(failed), "of": len(rules), "failures": [asdict(f) for f in failed]}
            for name, failed in failures.items()
        },
        "languages": measure_languages(folder),
        "sentences_per_second": speeds,
        "speed_ratio": speeds["sentencex alone"] / speeds["verbatim"],
    }


def measure_languages(folder: Path) -> dict[str, Any]:
    """Other languages: golden rules passed, and F1 on XQuAD; by English rules, by their own, and sentencex's alone."""
    names = sorted({row["lang"] for row in _rows(folder / GOLDEN)} - {"english"})
    golden = {}
    for name in names:
        rules = read_golden(folder, name)
        passed = {way: len(rules) - len(golden_failures(each, rules)) for way, each in _ways(_code(name)).items()}
        golden[name] = {"of": len(rules), **passed}
    xquad = {
        language: {way: asdict(Score.of(each, documents)) for way, each in _ways(language).items()}
        for language, documents in read_xquad(folder).items()
    }
    return {"golden": golden, "xquad": xquad}


def _ways(language: str) -> dict[str, Splitter]:
    return {
        "as English": split,
        "verbatim": partial(split, language=language),
        "sentencex alone": partial(sentencex_alone, language=language),
    }


def _code(name: str) -> str:
    return "de" if name == "deutsch" else code_of(name) or "en"


_SPLITTERS: dict[str, Splitter] = {"verbatim": split, "sentencex alone": sentencex_alone}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _speed(splitter: Splitter, documents: list[Document], rounds: int = 5) -> float:
    """Sentences a second: the best of several rounds, since other work on the machine only slows one down."""
    best = 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        count = sum(len(splitter(document.text)) for document in documents)
        best = max(best, count / (time.perf_counter() - started))
    return best


def _why(wanted: list[str], got: list[str]) -> str:
    """The sentences that only one side has, in words."""
    missed = [repr(sentence) for sentence in wanted if sentence not in got]
    extra = [repr(sentence) for sentence in got if sentence not in wanted]
    if len(wanted) == len(got):
        return f"a boundary lies elsewhere: {', '.join(extra)} for {', '.join(missed)}"
    verb = "splits too little" if len(got) < len(wanted) else "splits too much"
    return f"{verb}: {', '.join(extra)} for {', '.join(missed)}"


def _report(result: dict[str, Any]) -> Iterator[str]:
    yield "UD English EWT, dev: exact spans"
    yield f"{'':17} {'genre':10} {'precision':>9} {'recall':>7} {'F1':>6}"
    for name, genres in result["ewt"].items():
        for genre, score in genres.items():
            yield f"{name:17} {genre:10} {score['precision']:9.3f} {score['recall']:7.3f} {score['f1']:6.3f}"
    speeds = result["sentences_per_second"]
    yield ""
    yield "Speed: " + ", ".join(f"{name} {speed:,.0f} sentences/s" for name, speed in speeds.items())
    yield f"sentencex alone is {result['speed_ratio']:.1f} times as fast"
    yield ""
    for name, golden in result["golden"].items():
        yield f"English golden rules, {name}: {golden['passed']} of {golden['of']}"
        for failure in golden["failures"]:
            yield f"  fails: {failure['why']}"
    yield from _report_languages(result["languages"])


def _report_languages(languages: dict[str, Any]) -> Iterator[str]:
    golden = languages["golden"]
    ways = ("as English", "verbatim", "sentencex alone")
    heading = "".join(f"{way:>17}" for way in ways)
    yield ""
    yield f"Golden rules of other languages: passed{'':3}of{heading}"
    totals = {key: sum(row[key] for row in golden.values()) for key in ("of", *ways)}
    for name, row in (*golden.items(), ("all", totals)):
        yield f"{name:38} {row['of']:5}" + "".join(f"{row[way]:17}" for way in ways)
    if languages["xquad"]:
        yield ""
        yield f"XQuAD: F1 of exact spans{'':20}{heading}"
    for name, row in languages["xquad"].items():
        yield f"{name:44}" + "".join(f"{row[way]['f1']:17.3f}" for way in ways)


def main(arguments: list[str] | None = None) -> int:
    """Print the report; write it to a file as JSON where asked. 2 where the data is not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.segmentation", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the two sets named above")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    options = parser.parse_args(arguments)
    missing = [str(path) for path in (EWT, GOLDEN) if not (options.folder / path).is_file()]
    if missing:
        print(f"{options.folder} does not hold {' and '.join(missing)}; see --help for what they are.", file=sys.stderr)
        return 2
    result = measure(options.folder)
    print("\n".join(_report(result)))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
