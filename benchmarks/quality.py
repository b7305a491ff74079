"""Does the right sentence come first, and is "nothing found" honest? The protocols over published question sets.

    python -m benchmarks.quality FOLDER [FOLDER …]

benchmarks/README.md says what each protocol measures. Tables go to stdout, progress to stderr.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from benchmarks.remembering import Remembering
from evaluation import report
from evaluation.page import page
from evaluation.protocols import PROTOCOLS, run
from evaluation.sets import load
from index.encoder import Encoder
from index.encoders import DEFAULT_RUNTIME, ModelEncoder, Runtime
from index.errors import UserError
from index.models import DEFAULT_MODEL

_STEPS = 10  # lines of progress for each thing that is done


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        for path in filter(None, (options.json, options.html)):
            if not path.absolute().parent.is_dir():  # said now, and not after an hour
                raise UserError(f"{path} cannot be written: there is no such folder. Make it first.")
        if options.data:
            options.data.mkdir(parents=True, exist_ok=True)
        encoder = Remembering(_encoder(options), options.data)
        found: dict[str, Any] = {}
        for folder in options.folders:
            questions = load(folder)
            tables = run(questions, encoder, show, protocols=options.protocols, limit=options.limit)
            for line in report.table_lines(questions.name, tables):
                print(line, flush=True)
            found[_unused(questions.name, found)] = tables
        if options.json:
            made_by = {"model": encoder.identity.model, "runtime": encoder.identity.runtime}
            data = made_by | {"sets": {name: report.tables_data(t) for name, t in found.items()}}
            options.json.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if options.html:
            options.html.write_text(page(f"Verbatim with {encoder.identity.model}", found), encoding="utf-8")
    except (UserError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a question set")
    parser.add_argument("--protocols", type=_protocols, default=PROTOCOLS, metavar="1,2,3,4", help="only these")
    parser.add_argument("--limit", type=_positive, metavar="N", help="ask N questions of each set, evenly spaced")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with tables and plots")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep what was encoded there for the next run")
    parser.add_argument("--model", metavar="NAME", help="another sentence-transformers model, by name or folder")
    parser.add_argument("--runtime", choices=get_args(Runtime), default=DEFAULT_RUNTIME, help="what runs the model")
    parser.add_argument("--question-prefix", default="", metavar="TEXT", help="what that model wants before a question")
    parser.add_argument("--passage-prefix", default="", metavar="TEXT", help="what it wants before a passage")
    return parser


def _protocols(text: str) -> tuple[int, ...]:
    known = {str(one): one for one in PROTOCOLS}
    if not all(one in known for one in text.split(",")):
        raise argparse.ArgumentTypeError(f"name some of {','.join(known)}, with commas between")
    return tuple(sorted({known[one] for one in text.split(",")}))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("write a number of at least 1")
    return int(text)


def _encoder(options: argparse.Namespace) -> Encoder:
    prefixes = {"question_prefix": options.question_prefix, "passage_prefix": options.passage_prefix}
    return ModelEncoder(options.model or DEFAULT_MODEL, **prefixes, runtime=options.runtime)


def show(what: str, done: int, total: int) -> None:
    if done * _STEPS // total > (done - 1) * _STEPS // total:
        print(f"{what}: {done:,} of {total:,}", file=sys.stderr, flush=True)


def _unused(name: str, taken: dict[str, Any]) -> str:
    """`name`, with a number if another set has the same."""
    return name if name not in taken else f"{name} ({sum(one.startswith(name) for one in taken) + 1})"


if __name__ == "__main__":
    sys.exit(main())
