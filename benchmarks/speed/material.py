"""What all systems are given: articles, questions about them, and the vectors and codes of their sentences, as files.

Real articles come first and generated ones after them, so that a smaller corpus is the beginning of a larger one.
"""

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.adapters.known import key_of
from benchmarks.speed.adapters.protocol import Given, read_articles
from benchmarks.speed.generator import ARTICLE, Real, laid_out, mixed
from evaluation.sets import load
from index.article import Article
from index.encoder import Encoder
from index.preparing import draft_of
from index.readers import read

_SEED = 6
_LENGTHS = range(25, 401)  # characters of a real sentence that is used
_PROSE = re.compile(r"""[A-Z][^"“”„«»()\[\]:]*\.""")  # what pairs, or announces, may not split alike elsewhere
_NOISE = 0.25  # length of what is added to the mean of two vectors
_AT_ONCE = 512  # sentences encoded together
_ADDED = 40  # articles beside the corpus, to be added to it
FORMAT = 3  # raised when the files change
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Material:
    """The files in `folder`, of `sentences` in all, and the `questions`, each with the sentence that answers it, or "",
    and the place of that among all sentences, or -1."""

    folder: Path
    sentences: int
    real: int
    encoded: int
    questions: list[tuple[str, str, int]]

    @property
    def articles(self) -> Path:
        return self.folder / "articles.jsonl"

    @property
    def added(self) -> Path:
        return self.folder / "added.jsonl"


def prepared(
    folder: Path, sets: Sequence[Path], encoder: Encoder, say: Say, *, sentences: int, encoded: int
) -> Material:
    """The material in a folder within `folder`: what was made before of the same sets, with as much or more of both, or
    else made now. A smaller corpus is the beginning of a larger one."""
    key = hashlib.sha256(repr((FORMAT, [one.name for one in sets], encoder.identity)).encode()).hexdigest()[:12]
    made = [path.parent for path in folder.glob(f"material-{key}-*-*/done.json")]
    place = next((one for one in sorted(made) if _is_enough(one, sentences, encoded)), None)
    if place is None:
        place = folder / f"material-{key}-{sentences}-{encoded}"
        place.mkdir(parents=True, exist_ok=True)
        _make(place, sets, encoder, say, sentences=sentences, encoded=encoded)
    done = place / "done.json"
    facts = json.loads(done.read_text(encoding="utf-8"))
    right = {sentence for _, sentence in facts["questions"]}
    texts = (text for article in read_articles(place / "articles.jsonl") for text in article.sentences)
    places = {"": -1} | {text: number for number, text in enumerate(texts) if text in right}
    questions = [(asked, text, places[text]) for asked, text in facts["questions"] if text in places]
    return Material(place, facts["sentences"], facts["real"], facts["encoded"], questions)


def _is_enough(made: Path, sentences: int, encoded: int) -> bool:
    most, exact = map(int, made.name.split("-")[-2:])
    return most >= sentences and exact >= min(encoded, sentences)


def _make(place: Path, sets: Sequence[Path], encoder: Encoder, say: Say, *, sentences: int, encoded: int) -> None:
    real, questions = _read(sets)
    pieces = list(_real_articles(real[:sentences]))
    kept = [Real(one.title, text) for one in pieces for text in one.sentences]
    texts, titles = [one.text for one in kept], [one.title for one in kept]
    chance = random.Random(_SEED)  # noqa: S311 — no secret
    sources = kept if len(kept) >= 1_000 else real
    position = {one.text: number for number, one in enumerate(kept)}
    endless = mixed(sources, set(texts), _SEED)
    recipes: list[tuple[int, int]] = []
    with (place / "articles.jsonl").open("w", encoding="utf-8") as file:
        for piece in pieces:
            file.write(_line(piece))
        for number, (title, article) in enumerate(endless):
            if len(texts) >= sentences:
                break
            part = article[: sentences - len(texts)]
            file.write(_line(laid_out(f"/generated/{number}", title, [one.text for one in part], chance)))
            texts += [one.text for one in part]
            titles += [title] * len(part)
            recipes += [
                (position.get(sources[one.first].text, 0), position.get(sources[one.second].text, 0)) for one in part
            ]
    with (place / "added.jsonl").open("w", encoding="utf-8") as file:
        for number, (title, article) in enumerate(islice(endless, _ADDED)):
            file.write(_line(laid_out(f"/added/{number}", title, [one.text for one in article], chance)))
    exact = min(len(texts), max(encoded, len(kept)))
    say(f"encoding {exact:,} of {len(texts):,} sentences, once for all systems")
    vectors = np.lib.format.open_memmap(place / "vectors.npy", "w+", np.float16, (len(texts), encoder.dimension))
    _encode(place, encoder, list(zip(titles, texts, strict=True))[:exact], vectors, say)
    _mix(vectors, np.array(recipes, np.int32).reshape(-1, 2)[exact - len(kept) :], exact, place)
    keys = np.array([key_of(text) for text in texts], np.int64)
    order = np.argsort(keys)
    np.save(place / "keys.npy", keys[order])
    np.save(place / "rows.npy", order.astype(np.int32))
    facts = {"sentences": len(texts), "real": len(kept), "encoded": exact, "questions": questions}
    (place / "done.json").write_text(json.dumps(facts), encoding="utf-8")


def _line(article: Given) -> str:
    row = {"source": article.source, "title": article.title, "paragraphs": article.paragraphs}
    return json.dumps(row, ensure_ascii=False) + "\n"


def _read(sets: Sequence[Path]) -> tuple[list[Real], list[tuple[str, str]]]:
    """The distinct sentences of the sets' articles, in order, and the sets' questions, each with its sentence."""
    found: dict[str, Real] = {}
    asked: dict[str, str] = {}
    for folder in sets:
        questions = load(folder)
        spans: dict[str, list[tuple[int, int, str]]] = {}
        for article in questions.articles:
            for start, end, text in _sentences(article):
                found.setdefault(text, Real(article.title, text))
                spans.setdefault(article.source, []).append((start, end, text))
        for question in questions.questions:
            if question.spans:
                at = question.spans[0].start
                holding = [text for start, end, text in spans.get(question.article, ()) if start <= at < end]
                if holding:
                    asked.setdefault(question.text, holding[0])
    if not sets:
        found, asked = _examples()
    return list(found.values()), list(asked.items())


def _examples() -> tuple[dict[str, Real], dict[str, str]]:
    """The articles and questions that come with the program."""
    folder = Path(__file__).resolve().parents[2] / "examples"
    found: dict[str, Real] = {}
    for path in sorted((folder / "articles").iterdir()):
        article = read(path.read_bytes(), path.name, path.name)
        found.update((text, Real(article.title, text)) for _, _, text in _sentences(article))
    rows = map(json.loads, (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines())
    return found, {row["question"]: "" for row in rows}


def _sentences(article: Article) -> Iterator[tuple[int, int, str]]:
    for paragraph in draft_of(article, b"").paragraphs:
        for span in paragraph:
            text = span.of(article.text)
            if len(text) in _LENGTHS and _PROSE.fullmatch(text):
                yield span.start, span.end, text


def _real_articles(real: Sequence[Real]) -> Iterator[Given]:
    """Real sentences in articles of one title each, in their order; those alone that split into themselves again."""
    chance = random.Random(_SEED)  # noqa: S311 — no secret
    by_title: dict[str, list[str]] = {}
    for one in real:
        by_title.setdefault(one.title, []).append(one.text)
    for title, texts in by_title.items():
        for start in range(0, len(texts), ARTICLE):
            source, whole, before = f"/real/{title}/{start}", texts[start : start + ARTICLE], 0
            while whole and len(whole) != before:
                before = len(whole)
                article = laid_out(source, title, whole, chance)
                draft = draft_of(Article(source, title, article.text, language="en"), b"")
                split = {span.of(article.text) for paragraph in draft.paragraphs for span in paragraph}
                whole = [text for text in whole if text in split]
            if whole:
                yield article


def _encode(
    place: Path, encoder: Encoder, under: Sequence[tuple[str, str]], vectors: NDArray[np.float16], say: Say
) -> None:
    """Vectors and tokens' codes of the first sentences, as Verbatim reads them: `under` their titles."""
    coder = encoder.yardstick.coder
    assert coder is not None, "the model has no token vectors"
    codes, counts, firsts = [], [0], []
    for start in range(0, len(under), _AT_ONCE):
        rows = range(start, min(start + _AT_ONCE, len(under)))
        encoding = encoder.read_passages(["\n".join(under[row]) for row in rows])
        vectors[rows.start : rows.stop] = encoding.vectors
        for row, tokens in zip(rows, encoding.tokens, strict=True):
            codes.append(np.frombuffer(coder.encode(tokens.vectors), np.uint8).reshape(-1, coder.size))
            counts.append(len(codes[-1]))
            firsts.append(int((tokens.spans[:, 0] <= len(under[row][0])).sum()))
        if start and start % (_AT_ONCE * 20) == 0:
            say(f"  {rows.stop:,}")
    np.save(place / "codes.npy", np.concatenate(codes))
    np.save(place / "starts.npy", np.cumsum(counts, dtype=np.int64))
    np.save(place / "titles.npy", np.array(firsts, np.int16))


def _mix(vectors: NDArray[np.float16], recipes: NDArray[np.int32], start: int, place: Path) -> None:
    """The remaining vectors: the mean of those that a sentence's halves come from, a little beside it."""
    drawn = np.random.default_rng(_SEED)
    np.save(place / "mixed.npy", recipes)
    for first in range(0, len(recipes), 10_000):
        part = recipes[first : first + 10_000]
        mean = (vectors[part[:, 0]].astype(np.float32) + vectors[part[:, 1]].astype(np.float32)) / 2
        noise = drawn.standard_normal(mean.shape, np.float32)
        mean += noise * (_NOISE / np.linalg.norm(noise, axis=1, keepdims=True))
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        vectors[start + first : start + first + len(part)] = mean
