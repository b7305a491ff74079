"""What one system costs at one size: each step within its bounds, and what failed or took too long said as such."""

import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.environments import SYSTEMS, Environments
from benchmarks.speed.material import Material
from benchmarks.speed.process import Beyond, Running
from evaluation.sets import spaced

Figures = dict[str, Any]
Say = Callable[[str], None]
AT_ONCE = 16
_MIB = 1024 * 1024
_WARM = 5  # questions before those that count
_SHORT = 120.0  # seconds, for commands that do next to nothing


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured, and how long a step may take (in seconds). `building` is for a corpus, at most."""

    questions: int = 200
    waves: int = 12
    starts: int = 5
    added: int = 15
    throughput: int = 2_000
    rounds: int = 3
    step: float = 300.0
    building: float = 1_800.0
    asking: float = 60.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    environments: Environments
    material: Material
    corpora: Path
    effort: Effort
    say: Say

    def questions_at(self, size: int, most: int) -> list[tuple[str, str]]:
        """Questions that the first `size` sentences answer, evenly spaced, each with its sentence."""
        fitting = [(asked, right) for asked, right, place in self.material.questions if place < size]
        return spaced(fitting, most)


def described(bench: Bench, name: str) -> Figures:
    """How the system is set up, and in which versions."""
    with bench.environments.start(name, threads=1) as running:
        said = running.call("hello", within=_SHORT)
        if SYSTEMS[name].peer and (modules := running.call("verbatim_modules", within=_SHORT)["modules"]):
            raise AssertionError(f"{name}'s process holds parts of Verbatim: {modules}")
        return said


def measure(bench: Bench, name: str, size: int) -> Figures:
    """Everything about one system with a corpus of `size` sentences; `error` where a step failed, with the rest."""
    figures: Figures = {"system": name, "size": size}
    folder = bench.corpora / f"{name}-{size}"
    steps: list[Callable[[Bench, str, int, Path], Figures]] = [_built, _restarted, _asked, _asked_at_once]
    if not SYSTEMS[name].floor:
        steps.append(_added)
    try:
        for step in steps:
            figures |= step(bench, name, size, folder)
    except Beyond as error:
        figures["error"] = str(error)
        bench.say(f"  {name}: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def summed_up(times: Sequence[float]) -> Figures:
    """Milliseconds, or anything else, of many tries."""
    if not times:
        return {"n": 0}
    p50, p95 = (float(np.quantile(times, share)) for share in (0.5, 0.95))
    return {"p50": p50, "p95": p95, "mean": statistics.fmean(times), "least": min(times), "n": len(times)}


def _built(bench: Bench, name: str, size: int, folder: Path) -> Figures:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    within = min(bench.effort.building, max(bench.effort.step, bench.effort.building * size / 1_000_000))
    with bench.environments.start(name, threads=None) as running:
        running.call("create", within=_SHORT, folder=str(folder))
        files = {"articles": str(bench.material.articles), "known": str(bench.material.folder)}
        done = running.call("index", within=within, most=size, **files)
        figures: Figures = {"built_s": done["ms"] / 1_000, "saved_s": done["save_ms"] / 1_000}
        figures["building_mib"] = running.resident() / _MIB
        if name == "verbatim":
            counted = running.call("special", within=_SHORT, name="sentences")["sentences"]
            if counted != done["sentences"]:
                raise Beyond(f"it split {done['sentences']:,} sentences into {counted:,}")
    figures["disk_mib"] = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / _MIB
    return figures


def _restarted(bench: Bench, name: str, size: int, folder: Path) -> Figures:
    """From the start of the process to the first answer; the first start, which fills the page cache, is left out."""
    question = bench.questions_at(size, 1)[0][0]
    times: list[float] = []
    ends = time.monotonic() + bench.effort.step
    while len(times) <= bench.effort.starts and (len(times) < 2 or time.monotonic() < ends):
        started = time.perf_counter()
        with bench.environments.start(name, threads=1) as running:
            running.send("open", folder=str(folder))
            running.send("ask", questions=[question])
            running.reply(within=bench.effort.step)
            running.reply(within=bench.effort.step)
            times.append(1_000 * (time.perf_counter() - started))
    return {"restart_ms": summed_up(times[1:]), "first_start_ms": times[0]}


def _opened(bench: Bench, name: str, folder: Path, questions: Sequence[tuple[str, str]]) -> Running:
    """A new process with the corpus open, and warm."""
    running = bench.environments.start(name, threads=1)
    try:
        running.call("open", within=bench.effort.step, folder=str(folder))
        running.call("ask", within=bench.effort.step, questions=[text for text, _ in questions[-_WARM:]])
    except Beyond:
        running.end()
        raise
    return running


def _asked(bench: Bench, name: str, size: int, folder: Path) -> Figures:
    asked = bench.questions_at(size, bench.effort.questions)
    with _opened(bench, name, folder, asked) as running:
        texts = [text for text, _ in asked]
        done = running.call("ask", within=bench.effort.step, questions=texts, seconds=bench.effort.asking)
        figures: Figures = {"ask_ms": summed_up(done["ms"]), "resident_mib": running.resident() / _MIB}
        judged = [any(text == right for text, _ in found) for found, (_, right) in _with_sentence(done, asked)]
        if judged and not SYSTEMS[name].floor:
            figures["found_in_3"] = statistics.fmean(judged)
        if name == "verbatim":
            running.call("special", within=_SHORT, name="as_bot")
            figures["resident_as_bot_mib"] = running.resident() / _MIB
    return figures


def _with_sentence(done: Figures, asked: Sequence[tuple[str, str]]) -> list[tuple[Any, tuple[str, str]]]:
    return [(found, one) for found, one in zip(done["answers"], asked, strict=False) if one[1]]


def _asked_at_once(bench: Bench, name: str, size: int, folder: Path) -> Figures:
    """Waves of questions from as many threads; one by one where a system cannot be asked from several."""
    asked = bench.questions_at(size, AT_ONCE * bench.effort.waves)
    texts = [text for text, _ in asked]
    texts = [texts[i % len(texts)] for i in range(AT_ONCE * bench.effort.waves)]
    figures: Figures = {}
    for alone in (False, True):
        with _opened(bench, name, folder, asked) as running:
            try:
                done = running.call(
                    "waves",
                    within=bench.effort.step,
                    questions=texts,
                    at_once=AT_ONCE,
                    seconds=bench.effort.asking,
                    alone=alone,
                )
            except Beyond as error:
                if alone:
                    raise
                figures["at_once_failed"] = str(error)
                continue
            figures |= {"at_once_ms": summed_up(done["ms"]), "resident_at_once_mib": running.resident() / _MIB}
            break
    return figures


def _added(bench: Bench, name: str, size: int, folder: Path) -> Figures:
    questions = bench.questions_at(size, bench.effort.questions)
    with _opened(bench, name, folder, questions) as running:
        done = running.call(
            "add",
            within=bench.effort.step,
            articles=str(bench.material.added),
            questions=[text for text, _ in questions],
            most=bench.effort.added,
            saved=2,
            seconds=bench.effort.asking,
        )
    named = {"add_ms": "ms", "ask_after_add_ms": "next_ms", "save_after_add_ms": "save_ms"}
    if max(done["save_ms"], default=0.0) < 0.1:  # everything was on disk already
        del named["save_after_add_ms"]
    return {name: summed_up(done[key]) for name, key in named.items()}


def throughput(bench: Bench, names: Sequence[str], size: int) -> dict[str, Figures]:
    """Sentences a second from articles to a corpus that can be asked, encoded in earnest, by all systems in turns."""
    rates: dict[str, list[float]] = {name: [] for name in names}
    errors: dict[str, str] = {}
    for _ in range(bench.effort.rounds):
        for name in names:
            if name in errors:
                continue
            folder = bench.corpora / f"{name}-throughput"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                with bench.environments.start(name, threads=None) as running:
                    running.call("create", within=_SHORT, folder=str(folder))
                    articles = str(bench.material.articles)
                    done = running.call("index", within=bench.effort.step, articles=articles, most=size)
                rates[name].append(1_000 * done["sentences"] / done["ms"])
            except Beyond as error:
                errors[name] = str(error)
            shutil.rmtree(folder, ignore_errors=True)
    return {
        name: {"sentences": size, "a_second": summed_up(rates[name])}
        | ({"error": errors[name]} if name in errors else {})
        for name in names
    }
