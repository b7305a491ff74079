"""Whether two sentences say nearly the same, so that one hit can stand for both. Pure."""

import re

import numpy as np
from numpy.typing import NDArray

from index.lexical import question_terms

# Rewordings of one claim in news reports had cosines from .80 up. Sentences of one titled article are encoded under
# the same title, which lifts their cosines by about .1 whatever they say.
_COSINE = 0.80
_COSINE_SHARED_TITLE = 0.90
# Dice coefficient of the telling words: sentences on one subject that share fewer say different things about it.
_SHARED_WORDS = 0.30
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")


def near_identical(
    a: tuple[str, NDArray[np.float16]], b: tuple[str, NDArray[np.float16]], *, shared_title: bool
) -> bool:
    """Whether texts with these unit vectors make the same claim, with the same figures, in similar words."""
    (a_text, a_vector), (b_text, b_vector) = a, b
    if a_text == b_text:
        return True
    if set(_FIGURE.findall(a_text)) != set(_FIGURE.findall(b_text)):
        return False
    cosine = float(a_vector.astype(np.float32) @ b_vector.astype(np.float32))
    if cosine < (_COSINE_SHARED_TITLE if shared_title else _COSINE):
        return False
    a_terms, b_terms = set(question_terms(a_text)), set(question_terms(b_text))
    return 2 * len(a_terms & b_terms) >= _SHARED_WORDS * (len(a_terms) + len(b_terms))
