"""Verbatim beside what people would use instead, on the same machine, articles and model, in one run.

    python -m benchmarks.speed [--eval FOLDER …] [--sizes N,N,…] [--systems NAME,…] [--work DIR] [--json FILE]
                               [--results DIR] [--after FILE] [--quick]

benchmarks/README.md, section "Speed", says what is measured, and how. Linux only, for it reads /proc.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.speed.drawing import pictures
from benchmarks.speed.environments import ROOT, SYSTEMS, Environments
from benchmarks.speed.material import Material, prepared
from benchmarks.speed.measuring import Bench, Effort, described, measure, throughput
from benchmarks.speed.process import Beyond
from benchmarks.speed.results import ratios, told
from index.errors import UserError

_SETS = ("nq-qed-even", "selqa-dev", "squad-v1.1-dev", "squad-v2-dev")
_QUICK = Effort(questions=10, waves=1, starts=1, added=2, throughput=60, rounds=1, asking=10.0)
_SIZES = "1000,10000,100000,1000000"
_QUICK_SIZES, _QUICK_SYSTEMS = "300", "verbatim,floor"
_MARKS = "<!-- speed: begin -->", "<!-- speed: end -->"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is measured, how many sentences are encoded in earnest, and what memory a system may take."""

    effort: Effort
    encoded: int
    memory_mib: int


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    limits = Limits(_QUICK if options.quick else _effort(options), options.encoded, options.memory)
    quick = options.quick
    sizes = sorted(int(one) for one in (options.sizes or (_QUICK_SIZES if quick else _SIZES)).split(","))
    systems = (options.systems or (_QUICK_SYSTEMS if quick else ",".join(SYSTEMS))).split(",")
    if unknown := set(systems) - SYSTEMS.keys():
        print(f"Error: there is no system {min(unknown)!r}. There are: {', '.join(SYSTEMS)}.", file=sys.stderr)
        return 1
    try:
        earlier = json.loads(options.after.read_text(encoding="utf-8")) if options.after else None
        results = run(options.eval, sizes, systems, options.work.resolve(), limits, earlier=earlier)
    except (UserError, OSError, subprocess.CalledProcessError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    _write(results, options.json, options.results, options.readme)
    print(told(results))
    return 0


def run(
    sets: Sequence[Path],
    sizes: Sequence[int],
    systems: Sequence[str],
    work: Path,
    limits: Limits,
    *,
    earlier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Measures everything; what is made on the way is kept in `work`. Of an `earlier` run's results on the same machine
    and code the figures are taken over, and only what is not among them is measured."""
    from config import Config
    from terminal.session import configured_encoder, quieten

    quieten()
    effort = limits.effort
    environments = Environments(work, _say, limits.memory_mib)
    for name in systems:
        environments.prepare(name)
    folders = _found(sets)
    most = max(*sizes, effort.throughput)
    material = prepared(work, folders, configured_encoder(Config()), _say, sentences=most, encoded=limits.encoded)
    bench = Bench(environments, material, work / f"corpora-{os.getpid()}", effort, _say)
    results: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": _machine(),
        "effort": asdict(effort),
        "memory_mib": limits.memory_mib,
        "material": _facts(material, folders),
        "systems": {},
        "figures": [],
        "throughput": {},
        "drift": [],
    }
    if earlier is not None:
        if earlier["machine"] != results["machine"]:
            raise UserError("The earlier figures are of another machine, so that these would not compare with them.")
        results |= {key: earlier[key] for key in ("systems", "figures", "throughput", "drift")}
    done = {(one["system"], one["size"]) for one in results["figures"]}
    for name in [one for one in systems if one not in results["systems"]]:
        try:
            results["systems"][name] = described(bench, name)
        except Beyond as error:
            raise UserError(f"{SYSTEMS[name].title} cannot be started: {error}") from error
    encoding = [name for name in systems if not SYSTEMS[name].floor]
    if not results["throughput"]:
        _say("indexing throughput")
        results["throughput"] = throughput(bench, encoding, effort.throughput)
    for size in sizes:
        for name in systems:
            if (name, size) in done:
                continue
            _say(f"{size:,} sentences: {SYSTEMS[name].title}")
            results["figures"].append(measure(bench, name, size))
            _keep(work / "unfinished.json", results)
        if any((name, size) not in done for name in systems):
            results["drift"].append(_drift(bench, systems, size, results["figures"]))
    shutil.rmtree(bench.corpora, ignore_errors=True)
    (work / "unfinished.json").unlink(missing_ok=True)
    results["ratios"] = ratios(results)
    return results


def _drift(bench: Bench, systems: Sequence[str], size: int, figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The floor measured again after all others, in proportion: how much the machine has changed meanwhile."""
    if "floor" not in systems:
        return {"size": size}
    first = next(one for one in figures if one["system"] == "floor" and one["size"] == size)
    again = measure(bench, "floor", size)
    if "ask_ms" not in first or "ask_ms" not in again:
        return {"size": size}
    return {"size": size, "floor_again": again["ask_ms"]["p50"] / first["ask_ms"]["p50"]}


def _found(sets: Sequence[Path]) -> list[Path]:
    """The question sets in these folders, which are sets themselves or hold some."""
    found: list[Path] = []
    for folder in sets:
        if (folder / "articles.jsonl.gz").exists():
            found.append(folder)
            continue
        inside = [folder / name for name in _SETS if (folder / name / "articles.jsonl.gz").exists()]
        if not inside:
            raise UserError(f"{folder} is no question set, and holds none of {', '.join(_SETS)}.")
        found += inside
    return found


def _facts(material: Material, folders: Sequence[Path]) -> dict[str, Any]:
    return {
        "sets": [folder.name for folder in folders],
        "sentences": material.sentences,
        "real": material.real,
        "encoded": material.encoded,
        "questions": len(material.questions),
    }


def _machine() -> dict[str, Any]:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _write(results: dict[str, Any], file: Path | None, folder: Path | None, readme: bool) -> None:
    if file is not None:
        _keep(file, results)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _keep(folder / "results.json", results)
        for name, picture in pictures(results["figures"]).items():
            (folder / name).write_text(picture, encoding="utf-8")
    if readme:
        path = ROOT / "benchmarks" / "README.md"
        before, _, rest = path.read_text(encoding="utf-8").partition(_MARKS[0])
        _, _, after = rest.partition(_MARKS[1])
        if not rest:
            raise SystemExit(f"{path} lacks the line {_MARKS[0]}")
        path.write_text(f"{before}{_MARKS[0]}\n\n{told(results)}\n{_MARKS[1]}{after}", encoding="utf-8")


def _keep(file: Path, results: dict[str, Any]) -> None:
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _effort(options: argparse.Namespace) -> Effort:
    return Effort(step=options.seconds, building=options.building, rounds=options.rounds, throughput=options.throughput)


def _parser() -> argparse.ArgumentParser:
    usual = Effort()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--eval", type=Path, nargs="*", default=[], metavar="FOLDER", help="question sets, or a folder of them"
    )
    parser.add_argument("--sizes", metavar="N,N,…", help=f"sentences of the corpora; {_SIZES}")
    parser.add_argument("--systems", metavar="NAME,…", help=", ".join(SYSTEMS))
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("data") / "speed",
        metavar="DIR",
        help="environments and vectors are kept there",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--results", type=Path, metavar="DIR", help="write figures and pictures there")
    parser.add_argument(
        "--after", type=Path, metavar="FILE", help="figures of an earlier run, which this one goes on from"
    )
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    parser.add_argument(
        "--quick", action="store_true", help="Verbatim and the floor, 300 sentences, in a minute or two"
    )
    parser.add_argument("--encoded", type=int, default=100_000, metavar="N", help="sentences encoded in earnest")
    parser.add_argument(
        "--throughput", type=int, default=usual.throughput, metavar="N", help="sentences for throughput"
    )
    parser.add_argument("--rounds", type=int, default=usual.rounds, metavar="N", help="of throughput")
    parser.add_argument("--seconds", type=float, default=usual.step, metavar="S", help="the bound of one step")
    parser.add_argument(
        "--building",
        type=float,
        default=usual.building,
        metavar="S",
        help="that of building a corpus of a million sentences",
    )
    parser.add_argument("--memory", type=int, default=8_192, metavar="MIB", help="the bound of one system's memory")
    return parser


if __name__ == "__main__":
    sys.exit(main())
