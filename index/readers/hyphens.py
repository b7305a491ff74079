"""Words that were divided at the end of a line are put together; whether the hyphen stays, the other words tell.

It knows words alone: no pages, no lines' places, and of spelling only how English writes its numbers.
"""

import re
from collections.abc import Sequence

_SOFT = "\u00ad\u2010"  # what some programs put only where they divide a word themselves
_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_DIVIDED = re.compile(r"(\w+)[-\u00ad\u2010]$")
_FIRST = re.compile(r"[^\W\d_]+")
_SUSPENDED = frozenset("and or to und oder bis et ou y o e en of och eller og".split())
_NUMBER = re.compile(r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty-(?:one|two|three|four|five|six|seven|eight|nine)")
_LONGEST = 60  # letters of a word's first part
_COMPOUND = 4  # letters that a word has at least to be known by itself as a compound's first part


def ends_divided(text: str) -> bool:
    """Whether a line ends in a hyphen right after a letter."""
    return bool(_DIVIDED.search(text.rstrip()[-_LONGEST:]))


class Hyphens:
    """The words of a document, as far as its lines do not divide them."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._words: set[str] = set()
        self._compounds: set[str] = set()
        self._soft = False
        after_divided = False
        for line in map(str.rstrip, lines):
            words = [word.lower().replace("\u2010", "-") for word in _WORD.findall(line)]
            divided = ends_divided(line)
            self._words.update(words[after_divided : len(words) - divided])
            self._soft = self._soft or line.endswith(tuple(_SOFT))
            after_divided = divided
        self._compounds.update(word.partition("-")[0] for word in self._words if "-" in word)

    def joined(self, text: str, following: str) -> str:
        """`text` made ready to be followed by `following`: with a blank, or with a divided word's hyphen settled."""
        divided, first = _DIVIDED.search(text[-_LONGEST:]), _FIRST.match(following)
        if not divided:
            return text + " "
        if first is None:
            return text if following[:1].isdigit() else text + " "
        if first.group() in _SUSPENDED:
            return text + " "
        return text[:-1] + "-" if self._is_meant(divided.group(1), first.group(), text[-1]) else text[:-1]

    def _is_meant(self, head: str, tail: str, hyphen: str) -> bool:
        """Whether a hyphen belongs to the word: told by how the word is written elsewhere, then by its parts."""
        if hyphen == "\u00ad":
            return False
        if tail[0].isupper() or not head.isalpha():
            return True
        head, tail = head.lower(), tail.lower()
        if head + tail in self._words:
            return False
        if f"{head}-{tail}" in self._words or _NUMBER.fullmatch(f"{head}-{tail}"):
            return True
        if hyphen == "\u2010":
            return False
        if self._soft:  # this document's program divides words with another sign
            return True
        known = head in self._words and tail in self._words and len(head) > 2 and len(tail) > 2
        return known or (len(head) >= _COMPOUND and head in self._compounds)
