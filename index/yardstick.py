"""How far apart a model puts what belongs together and what does not, measured on a few sentences of our own.

One model's cosines of unrelated texts lie about 0, another's about 0.75. Evidence is expressed on this scale, from 0
(unrelated) to 1 (a question and its answer), so that the same ranker serves both.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.tokens import Encoded, TokenCoder

if TYPE_CHECKING:
    from index.encoder import Encoder

# Everyday questions, each with a sentence that answers it and none of the others.
_PAIRS = (
    ("When does the library open on Saturdays?", "On Saturdays the library is open from ten in the morning until two."),
    ("Who painted the ceiling of the town hall?", "Its ceiling was painted by four students of the art school."),
    ("How many people live in the valley?", "About 3,400 people live in the valley all year round."),
    ("Where can I recycle old batteries?", "Used batteries are collected in the red bins beside the supermarket."),
    ("Why was the concert cancelled?", "Because of the storm, the organisers called off the concert."),
    ("What does a season ticket cost?", "A season ticket is sold for 45 euros, and half that for children."),
    ("How do I reset my password?", "To choose a new password, click on the link in the e-mail we sent you."),
    ("Which river flows through the city?", "The city lies on both banks of the Orne, a slow brown river."),
    ("What do hedgehogs eat?", "Beetles, worms and slugs make up most of a hedgehog's diet."),
    ("How long does the ferry take to the island?", "The crossing to the island lasts forty minutes."),
    ("Who won the match last Sunday?", "Sunday's match ended in a 3-1 victory for the visitors."),
    ("What is the highest mountain of the range?", "At 2,911 metres, the Grey Tooth is the tallest peak of the range."),
    ("How often should the filter be changed?", "Replace the filter every six months, or sooner if it smells."),
    ("When was the railway station built?", "The station dates from 1876, when the line reached the coast."),
    ("What caused the power cut?", "A fallen tree had torn down the line, leaving the district without electricity."),
    ("How is the cheese made?", "The milk is warmed, curdled with rennet, pressed and left to ripen for a year."),
    ("Can dogs be taken on the bus?", "Passengers may bring a dog if it is kept on a lead."),
    ("What language is spoken on the island?", "The islanders speak a dialect of Norwegian among themselves."),
    ("Who is the new head teacher?", "From September the school will be led by its former deputy head."),
    ("How fast can the machine print?", "It prints up to thirty pages a minute in black and white."),
    ("What are the symptoms of the disease?", "Those who fall ill first notice a fever, headaches and a rash."),
    ("Where does the word come from?", "The term goes back to the Latin for a small stone."),
    ("How much rain fell in March?", "March brought 120 millimetres of rain, twice the usual amount."),
    ("What is the penalty for speeding?", "Drivers who exceed the limit are fined and may lose their licence."),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """A similarity's mean between unrelated texts, and between a question and its answer."""

    unrelated: float
    related: float

    def of(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Similarities on the scale from 0 (unrelated) to 1 (a question and its answer); they go beyond both."""
        return (np.asarray(values, np.float64) - self.unrelated) / max(self.related - self.unrelated, 1e-6)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A model's scales: of cosines, and of the mean over a question's tokens of the best cosine with a sentence's.

    `coder` and `tokens` are None for a model without token vectors.
    """

    cosine: Scale
    coder: TokenCoder | None
    tokens: Scale | None


def measure(encoder: "Encoder") -> Yardstick:
    """The encoder's yardstick. It encodes a few dozen short texts."""
    questions, answers = zip(*_PAIRS, strict=True)
    asked, said = encoder.read_questions(questions), encoder.read_passages(answers)
    cosine = _scale(asked.vectors @ said.vectors.T)
    if not all(len(tokens.vectors) for tokens in (*asked.tokens, *said.tokens)):
        return Yardstick(cosine, None, None)
    coder = TokenCoder(np.concatenate([tokens.vectors for tokens in said.tokens]).mean(axis=0))
    return Yardstick(cosine, coder, _scale(_late_interaction(coder, asked, said)))


def sample_texts() -> list[str]:
    """Texts of every kind to compare two ways of encoding by: questions, answers, and what is unlike either."""
    unusual = ("", "word " * 900, "Ünïcode 北京 🦉 — “so” it’s…", "A heading\nand the line below it.", "10,570 & 3.5%")
    return [*(text for pair in _PAIRS for text in pair), *unusual]


def _late_interaction(coder: TokenCoder, asked: Encoded, said: Encoded) -> NDArray[np.float64]:
    signs = [coder.decode(coder.encode(tokens.vectors)) for tokens in said.tokens]
    queries = [coder.query(tokens.vectors) for tokens in asked.tokens]
    return np.array([[(query @ one.T).max(axis=1).mean() for one in signs] for query in queries])


def _scale(similarities: NDArray[np.floating]) -> Scale:
    """Of the (n, n) similarities of n questions with n answers, in the same order."""
    n = len(similarities)
    related = float(np.trace(similarities)) / n
    unrelated = float(similarities.sum() - np.trace(similarities)) / (n * n - n)
    return Scale(unrelated, related)
