"""Whether two sentences say nearly the same, so that one hit can stand for both. Pure."""

from index.lexical import STOP_TERMS

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
    a_terms, b_terms = (set(text.split(" ")) - STOP_TERMS for text in (a, b))
    if not a_terms or not b_terms or any(term[:1].isdigit() for term in a_terms ^ b_terms):
        return False
    shared = 2 * len(a_terms & b_terms) / (len(a_terms) + len(b_terms))
    least = _COSINE_SHARED_TITLE if shared_title else _COSINE
    return shared >= _SAME_WORDS or (cosine >= least and shared >= _SHARED_WORDS)
