"""Whether two sentences say nearly the same, so that one hit can stand for both. Pure.

To hide a contradiction behind "also in" is worse than to show a claim twice: in doubt, sentences stay apart.
"""

from index.lexical import NEGATIONS, NUMBER_TERMS, STOP_TERMS

# Rewordings of one claim in news reports had cosines from .80 up. Sentences of one titled article are encoded under
# the same title, which lifts their cosines by about .1 whatever they say.
_COSINE = 0.80
_COSINE_SHARED_TITLE = 0.90
# Dice coefficient of the telling words: sentences on one subject that share fewer say different things about it.
_SHARED_WORDS = 0.30
# Those that share this many say the same, however their articles' titles draw their vectors apart.
_SAME_WORDS = 0.90


def near_identical(a: str, b: str, cosine: float, *, shared_title: bool) -> bool:
    """Whether two sentences make the same claim, with the same figures, in similar words.

    `a` and `b` are the sentences' index terms, separated by spaces; `cosine` is that of their vectors.
    """
    if a == b:
        return True
    a_words, b_words = set(a.split(" ")), set(b.split(" "))
    if bool(a_words & NEGATIONS) != bool(b_words & NEGATIONS):
        return False
    a_terms, b_terms = a_words - STOP_TERMS, b_words - STOP_TERMS
    only_a, only_b = a_terms - b_terms, b_terms - a_terms
    if any(term[0].isdigit() or term in NUMBER_TERMS for term in only_a | only_b):
        return False
    # One word in the place of another may be the whole point: open, closed; won, lost.
    if not a_terms or not b_terms or len(only_a) == len(only_b) == 1:
        return False
    shared = 2 * len(a_terms & b_terms) / (len(a_terms) + len(b_terms))
    least = _COSINE_SHARED_TITLE if shared_title else _COSINE
    return shared >= _SAME_WORDS or (cosine >= least and shared >= _SHARED_WORDS)
