"""The command line: what `bot.py` does in a terminal, over `index` and `retrieval`."""

VERSION = "0.1.0"
