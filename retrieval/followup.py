"""A question that leans on those before it → a text for search that says what it leans on.

Pure, without a model. The field calls it conversational query rewriting, and this way of doing it query resolution by
term: what a follow-up leaves out stands in the questions before, so words of theirs are added to its own. Voskarides
et al., "Query Resolution for Conversational Search with Limited Supervision" (QuReTeC, 2020), choose them with a
trained classifier; here grammar does, which costs nothing and can be read. The text is for searching only: what is
shown and quoted stays the person's own question.
"""

from collections.abc import Sequence

from retrieval.anaphora import Word, depends, is_fragment, is_noun, parsed, subject

_TURNS = 4  # questions looked back upon
_LONGEST = 300  # characters: what is longer says itself what it is about, and of earlier questions no more is read
_CARRIED = 20  # words that are added at most


def standalone(question: str, previous: Sequence[str]) -> str:
    """What to search for `question`, asked after the questions `previous`, the oldest first.

    A question that stands by itself comes back as it is, but for blanks, whatever was asked before.
    """
    question = _tidy(question)
    if not previous or len(question) > _LONGEST or not depends(question):
        return question
    base = ""  # the last question that stood by itself, with what took the place of its parts since
    since: list[str] = []  # the nouns of the follow-ups after it
    for turn in (_shortened(_tidy(one)) for one in previous[-_TURNS:]):
        if base and is_fragment(parsed(turn)):
            base = _put_into(base, turn)
        elif base and depends(turn):
            since += _nouns(turn)
        else:
            base, since = turn, []
    if not base:
        return question
    if is_fragment(parsed(question)):
        return _put_into(base, question)
    # "Why?" asks about all that was asked before; a pronoun means a thing that was named there, and the verb beside it
    # would only find the sentence that answered that question.
    asks_on = not any(word.tells or word.is_anaphor for word in parsed(question).words)
    named = [] if asks_on else _nouns(base)
    asked = {word.text.casefold() for word in parsed(question).words}
    added = {word.casefold(): word for word in reversed([*(named or subject(base).split()), *since])}
    told = [word for key, word in reversed(added.items()) if key not in asked][:_CARRIED]
    return f"{_body(question)}, {' '.join(told)}?" if told else question


def _nouns(question: str) -> list[str]:
    """The names of a question, and the words that stand where nouns do."""
    words = parsed(question).words
    return [word.text for i, word in enumerate(words) if word.tells and is_noun(words, i)]


def _put_into(base: str, fragment: str) -> str:
    """The question `base`, asked of what a fragment names: "what about the Moth?", "and in Brazil?".

    If it is one name, that takes the place of the one name in `base`. Anything else is added.
    """
    words = parsed(fragment).words
    new, old = _names(fragment), _names(base)
    if len(new) == len(old) == 1 and all(word.is_name for word in words if word.tells):
        (first, last), (start, end) = new[0], old[0]
        return base[:start] + fragment[first:last] + base[end:]
    told = next((word.start for i, word in enumerate(words) if not _is_what_about(words, i)), 0)
    return f"{_body(base)}, {_body(fragment[told:])}?"


def _is_what_about(words: Sequence[Word], i: int) -> bool:
    return i < 2 and words[0].key in ("what", "how") and words[1].key == "about"


def _names(text: str) -> list[tuple[int, int]]:
    """Where each run of capitalised or quoted words begins and ends."""
    runs: list[tuple[int, int]] = []
    words = parsed(text).words
    for i, word in enumerate(words):
        if word.is_name and i and words[i - 1].is_name:
            runs[-1] = (runs[-1][0], word.end)
        elif word.is_name:
            runs.append((word.start, word.end))
    return runs


def _body(question: str) -> str:
    """A question without what opens it and without its mark."""
    words = parsed(question).words
    return question[words[0].start if words else 0 :].rstrip(" ?!.")


def _shortened(text: str) -> str:
    """As many of its words as are read; a word that is longer than that is none."""
    return text if len(text) <= _LONGEST else text[: _LONGEST + 1].rpartition(" ")[0]


def _tidy(text: str) -> str:
    return " ".join(text.split())
