"""Verbatim: run it without arguments for the Discord bot, with `--help` for everything else."""

import sys
from pathlib import Path

from terminal.app import main

if __name__ == "__main__":
    sys.exit(main(home=Path(__file__).resolve().parent))
