"""Verbatim: run it without arguments for the Discord bot, with `--help` for everything else."""

import sys

if __name__ == "__main__":
    try:  # from the first import on, since Ctrl-C may come that early
        from pathlib import Path

        from terminal.app import main

        code = main(home=Path(__file__).resolve().parent)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        code = 130
    sys.exit(code)
