"""Giving memory back to the system that the program no longer needs. It knows nothing of what the memory was for."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Returns freed memory to the system, where the C library keeps it to itself otherwise, as glibc does: a hundred
    closed corpora of a thousand sentences leave 10 MB behind instead of 240. Elsewhere it does nothing.

    It takes some milliseconds, in which other threads may have to wait for memory.
    """
    with suppress(OSError, AttributeError):  # no such library, or another one
        ctypes.CDLL(None).malloc_trim(0)
