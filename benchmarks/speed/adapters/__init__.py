"""One system each, behind the same few commands, in a process and an environment of its own.

Nothing in here imports Verbatim but the adapters of Verbatim and of the floor.
"""
