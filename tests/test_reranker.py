"""The optional cross-encoder: what it reads in its time, what becomes of its logits, and what is said of a wrong one.

A BERT of one layer, made here and with weights that are set by hand, likes any passage with one of a few words.
"""

import json
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder

from benchmarks.examples import groups_of
from benchmarks.rereading import looking, read_of
from benchmarks.train import main as train
from benchmarks.train import with_reranker
from cogs.service import NOWHERE, Service
from cogs.settings import Settings
from evaluation.sets import Question, QuestionSet, half
from index.article import Article, Span
from index.corpus import Corpus
from index.errors import UserError
from index.indexer import Indexer
from retrieval.fusion import CONFIDENCE, ORDER, by_rank, fitted_for
from retrieval.ranker import SHIPPED, Judged, LearnedRanker, band
from retrieval.reranker import CrossEncoderReranker
from retrieval.retriever import Retriever
from terminal import app
from terminal.session import Exit

ROOT = Path(__file__).parent.parent
LIKED = ("lisbon", "gold", "noon")
WORDS = (
    *LIKED,
    *"the a is was of in on at what who when where mill painted opened red spring bakery bread oven".split(),
)
QUESTION = "What does the owner of the bakery sell on Quarry Street?"


def tiny(folder: Path, *, labels: int = 1, head: bool = True, taste: float = 3.0) -> Path:
    """A BERT of one layer in `folder`. With a head and one label, its logits are ±`taste`."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    letters = [prefix + chr(code) for code in range(97, 123) for prefix in ("", "##")]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys([*special.values(), *WORDS, *letters]))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=256, **special)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = BertConfig(vocab_size=len(vocabulary), **shape, max_position_embeddings=256, num_labels=labels)
    model = (BertForSequenceClassification if head else BertModel)(config)
    if head and labels == 1:
        set_weights(model, [vocabulary[word] for word in LIKED], taste)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def set_weights(model, liked: list[int], taste: float) -> None:
    """Makes the logit `taste` where a piece of the text is liked, and about -`taste` where none is.

    Liked pieces are vectors of one kind, all others of another that is orthogonal to it in each head. [CLS] attends to
    the first kind, wherever it is, and what it has of it then is the score.
    """
    import torch

    good = torch.tensor([1.0, -1.0] * 8)
    plain = torch.tensor([1.0, 1.0, -1.0, -1.0] * 4)
    with torch.no_grad():
        for parameter in (one for name, one in model.named_parameters() if "LayerNorm" not in name):
            parameter.zero_()
        model.bert.embeddings.word_embeddings.weight[:] = plain
        model.bert.embeddings.word_embeddings.weight[liked] = good
        layer = model.bert.encoder.layer[0].attention
        layer.self.query.bias[:] = 10 * good
        for linear in (layer.self.key, layer.self.value, layer.output.dense):
            linear.weight[:] = torch.eye(16)
        model.bert.pooler.dense.weight[:] = good
        model.bert.pooler.dense.bias[:] = -5.0  # halfway between none and some
        model.classifier.weight[:] = taste / 16


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The folder of a cross-encoder that likes LIKED."""
    return tiny(tmp_path_factory.mktemp("reranker") / "likes")


@pytest.fixture(scope="module")
def reranker(model) -> CrossEncoderReranker:
    return CrossEncoderReranker(str(model), budget_ms=math.inf)


class Clock:
    """Each look at it finds that `seconds` have passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


# -- reading


def test_logits_are_raw_and_in_their_places(reranker):
    """Logits are the model's own, each in its passage's place, whichever is read first."""
    passages = ["the oven is red", "the oven is in Lisbon", "bread at noon", "bread"]
    logits = reranker.logits("what is the oven", np.arange(4.0), passages.__getitem__)
    np.testing.assert_allclose(logits, [-3, 3, 3, -3], atol=0.05)
    again = reranker.logits("what is the oven", -np.arange(4.0), passages.__getitem__)
    np.testing.assert_allclose(logits, again, atol=1e-5)


@pytest.mark.parametrize("budget, read", [(0, 4), (150, 4), (200, 8), (310, 12), (10_000, 14)])
def test_the_budget_ends_the_reading(model, budget, read):
    """Of 14 wanted the best are read, in batches of 0.1 s, as long as the next one would end in time; the first always
    is."""
    reranker = CrossEncoderReranker(str(model), budget_ms=budget, most=14, clock=Clock(0.1))
    scores = np.random.default_rng(0).permutation(30).astype(float)
    asked: list[int] = []
    logits = reranker.logits("what", scores, lambda place: asked.append(place) or "bread")
    best = np.argsort(-scores)[:read]
    assert sorted(asked) == sorted(best) == np.flatnonzero(~np.isnan(logits)).tolist()


def test_long_texts_are_cut(reranker):
    """A question and a passage that are longer than the model reads are cut, and are no error."""
    assert np.isfinite(reranker.logits("what " * 500, np.zeros(1), lambda _: "bread " * 500)).all()


def test_many_threads_read_as_one(model):
    """Questions that are asked at the same time get the logits that they get alone, from one model."""
    reranker = CrossEncoderReranker(str(model), budget_ms=math.inf)
    passages = [f"{word} of the {other}" for word in WORDS for other in ("mill", "noon")][:20]

    def ask(question: str) -> list[float]:
        return reranker.logits(question, np.arange(20.0), passages.__getitem__).tolist()

    questions = [f"what {word}" for word in WORDS[:6]]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(ask, questions))
    np.testing.assert_allclose(together, [ask(question) for question in questions], atol=1e-5)


# -- models that will not do


def test_a_model_that_is_not_there_is_explained(tmp_path):
    """A name that is nowhere and a folder without a model say what to do, and that one can do without."""
    (tmp_path / "empty").mkdir()
    for name in ("example/nowhere-at-all", str(tmp_path / "missing"), str(tmp_path / "empty")):
        with pytest.raises(UserError, match=r"`reranker\.model`.*remove the key"):
            CrossEncoderReranker(name).load()


@pytest.mark.parametrize(
    "options, said", [({"labels": 2}, "2 scores instead of one"), ({"head": False}, "never trained")]
)
def test_a_model_that_is_no_reranker_is_refused(tmp_path, options, said):
    """Two scores for a pair, or an encoder whose head would be made up at random: both are refused by name."""
    folder = tiny(tmp_path / "other", **options)
    with pytest.raises(UserError, match=rf"other'.*{said}.*remove the key"):
        CrossEncoderReranker(str(folder)).load()


def damage(folder: Path) -> Path:
    """The model, whose weights are no numbers any more."""
    from safetensors.numpy import load_file, save_file

    weights = {key: np.full_like(value, np.nan) for key, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_damaged_weights_are_refused(tmp_path):
    """A model that returns no numbers is refused when it is checked."""
    folder = damage(tiny(tmp_path / "damaged"))
    with pytest.raises(UserError, match="weights are damaged"):
        CrossEncoderReranker(str(folder)).check()


def test_other_weights_are_another_model(tmp_path):
    """What was fitted for one model does not hold for another that takes its folder."""
    folder = tiny(tmp_path / "one")
    before = CrossEncoderReranker(str(folder)).identity
    tiny(folder, taste=2.0)
    assert CrossEncoderReranker(str(folder)).identity != before


# -- judging with its logits


def test_by_rank_keeps_how_sure_it_is():
    """Uncalibrated, the order is that of the summed reciprocal ranks, with the cross-encoder deciding between equals;
    what was not read stays behind, and every place keeps its probability."""
    judged = Judged(np.array([4.0, 3.0, 2.0, 1.0, 0.0]), np.array([0.7, 0.2, 0.3, 0.1, 0.05]), [(0.8, 0.6)])
    found = by_rank(judged, np.array([-1.0, 5.0, 0.0, math.nan, math.nan]))
    assert np.argsort(-found.scores).tolist() == [1, 0, 2, 3, 4]  # 1st + 2nd each; the second one has the better logit
    assert found.probabilities.tolist() == [0.2, 0.7, 0.3, 0.1, 0.05] and found.thresholds == judged.thresholds
    far = by_rank(judged, np.array([-9.0, 0.0, 5.0, -1.0, -2.0]))  # 3rd and 1st beat 1st and 5th
    assert np.argsort(-far.scores).tolist() == [2, 1, 0, 3, 4]


def fitted(model: str = "any", *, score: float = 0.0, logit: float = 1.0, intercept: float = 0.0) -> dict:
    """A section "reranker" with these weights of score and logit, and a confidence that is the logit's."""

    def linear(columns: tuple[str, ...], intercept: float = 0.0, **weights: float) -> dict:
        terms = {name: {"weight": weights.get(name, 0.0), "mean": 0.0, "deviation": 1.0} for name in columns}
        return {"intercept": intercept, "terms": terms}

    return {
        "model": model,
        "thresholds": {"0.5": 0.3, "0.9": 0.6},
        "order": linear(ORDER, score=score, logit=logit),
        "confidence": linear(CONFIDENCE, intercept, logit=1.0),
    }


def ranker_with(folder: Path, section: dict) -> LearnedRanker:
    """The shipped ranker with this section."""
    file = folder / "ranker.json"
    file.write_text(json.dumps(json.loads(SHIPPED.read_text(encoding="utf-8")) | {"reranker": section}))
    return LearnedRanker(file)


def test_fitted_weights_order_and_judge(tmp_path):
    """Fitted, weighted scores and logits order what was read; the rest stays behind in its order, and keeps its
    probability."""
    found = fitted_for("any", ranker_with(tmp_path, fitted(score=0.1)))
    judged = Judged(np.array([1.0, 5.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.3, 0.4]), [(0.8, 0.2)])
    fused = found.fused(judged, np.array([math.nan, 0.0, math.nan, 1.0]))
    assert np.argsort(-fused.scores).tolist() == [3, 1, 2, 0]
    np.testing.assert_allclose(fused.scores[[3, 1]], [1.4, 0.5])
    np.testing.assert_allclose(fused.probabilities, [0.1, 0.5, 0.3, 1 / (1 + math.exp(-1))])
    assert found.fused(judged, np.full(4, math.nan)) is judged
    alone = found.fused(Judged(np.zeros(1), np.ones(1), judged.thresholds), np.zeros(1))
    assert alone.probabilities.tolist() == [0.5]
    assert (fused.lowest(0.5), fused.lowest(0.8), fused.lowest(0.99)) == (0.3, 0.6, 0.6)


def test_a_section_of_another_model_or_a_damaged_one(tmp_path):
    """Weights fitted for another model are not used; damaged ones are refused with the file's name."""
    ranker = ranker_with(tmp_path, fitted("this@1"))
    assert fitted_for("that@2", ranker) is None
    assert fitted_for("this@1", LearnedRanker()) is None
    section = fitted("this@1")
    del section["order"]["terms"]["logit"]["mean"]
    with pytest.raises(UserError, match=r"ranker\.json cannot be read"):
        fitted_for("this@1", ranker_with(tmp_path, section))


# -- answering with it


@pytest.fixture
def filled(corpus, encoder, articles):
    Indexer(corpus.store, encoder).sync([str(articles)])
    return corpus


def order_of(retriever: Retriever, question: str = QUESTION) -> list[str]:
    found = retriever.rank(question, top=30)
    return [one.candidate.sentence.terms for group in found for one in group]


def test_the_fitted_order_is_the_cross_encoders(filled, encoder, reranker, tmp_path):
    """Where only logits count, a sentence that the cross-encoder likes comes first, and its probability and band are
    those of its logit."""
    plain = Retriever([filled], encoder)
    assert "lisbon" not in order_of(plain)[0]
    ranker = ranker_with(tmp_path, fitted(reranker.identity, intercept=-1.0))
    retriever = Retriever([filled], encoder, ranker, reranker=reranker)
    assert "lisbon" in order_of(retriever)[0]
    assert retriever.rank(QUESTION, top=1)[0][0].lowest == 0.6
    hit = retriever.ask(QUESTION, top=1).hits[0]
    assert hit.citation.text == "The owner learnt her trade in Lisbon."
    assert hit.probability == pytest.approx(1 / (1 + math.exp(1 - hit.score)))
    assert hit.confidence is band(hit.probability)
    assert sorted(order_of(retriever)) == sorted(order_of(plain))


def test_uncalibrated_it_changes_the_order_alone(filled, encoder, reranker):
    """Without fitted weights the liked sentence rises, and the first hit is as sure as the first one was before."""
    plain, reread = (Retriever([filled], encoder, reranker=one) for one in (None, reranker))
    assert reread.rank(QUESTION)[0][0].lowest == plain.rank(QUESTION)[0][0].lowest

    def place(retriever):
        return next(i for i, terms in enumerate(order_of(retriever)) if "lisbon" in terms)

    assert place(reread) < place(plain)
    first, before = (one.rank(QUESTION, top=1)[0][0].probability for one in (reread, plain))
    assert first == before


def test_what_makes_one_claim_is_still_one_hit(filled, encoder, reranker, tmp_path):
    """Sentences of two articles that make one claim are one hit, reranked or not."""
    copy = tmp_path / "copy.txt"
    copy.write_text("Crafts in town\n\nThe owner learnt her trade in Lisbon.\n", encoding="utf-8")
    Indexer(filled.store, encoder).sync([str(copy)])
    ranker = ranker_with(tmp_path, fitted(reranker.identity))
    answer = Retriever([filled], encoder, ranker, reranker=reranker).ask(QUESTION)
    assert "Lisbon" in answer.hits[0].citation.text
    assert [one.text for one in answer.hits[0].also_in] == ["The owner learnt her trade in Lisbon."]


class English(HashEncoder):
    """Knows English only."""

    languages = frozenset({"en"})


def test_a_language_that_the_model_does_not_know_is_not_reread(tmp_path, caplog):
    """Where words alone count, the cross-encoder is not asked: this one could not even be loaded."""
    corpus = Corpus(tmp_path / "corpus.db", English())
    text = "Die Fähre fährt um neun Uhr vom alten Hafen ab, und am Abend kehrt sie mit der Post zurück.\n" * 3
    Indexer(corpus.store, English()).add_articles([Article("a", "Fähre", text)])
    broken = CrossEncoderReranker(str(tmp_path / "nowhere"))
    question = "Um wie viel Uhr fährt die Fähre vom alten Hafen ab?"
    assert Retriever([corpus], English(), reranker=broken).ask(question).foreign_language == "German"
    assert not caplog.records
    Retriever([corpus], English(), reranker=broken).ask("When does the ferry leave the old harbour today?")
    assert "Answers go without the reranker" in caplog.text
    corpus.close()


def test_a_broken_one_costs_no_answer(filled, encoder, tmp_path, caplog):
    """A model that is not there, or that reads and returns no numbers, leaves the ranker's own judgement; the log tells
    why, of what is not there once."""
    plain = Retriever([filled], encoder)
    missing = Retriever([filled], encoder, reranker=CrossEncoderReranker(str(tmp_path / "nowhere")))
    assert [order_of(missing), order_of(missing)] == [order_of(plain)] * 2
    assert [("nowhere" in one.message, one.levelname) for one in caplog.records] == [(True, "ERROR")]
    damaged = CrossEncoderReranker(str(damage(tiny(tmp_path / "damaged"))))
    ranker = ranker_with(tmp_path, fitted(damaged.identity))
    assert order_of(Retriever([filled], encoder, ranker, reranker=damaged)) == order_of(plain)
    assert "weights are damaged" in caplog.text


def test_without_one_nothing_is_imported():
    """Neither the retriever nor a reranker that nobody has asked yet imports what is heavy."""
    code = (
        "import sys, retrieval.retriever as r, retrieval.reranker as c; c.CrossEncoderReranker('x/y').identity; "
        "sys.exit(any(name in sys.modules for name in ('sentence_transformers', 'transformers', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# -- fitting


def mills() -> QuestionSet:
    """Articles of four sentences with the same words of the question each, of which the one with "gold" is right."""
    names = [name for name in map("Bo{:03}ra".format, range(60)) if half(name) == 0][:12]
    articles, questions = [], []
    for number, name in enumerate(names):
        lines = [f"The mill of {name} was painted {colour}." for colour in ("red", "grey", "gold", "blue")]
        lines = lines[number % 4 :] + lines[: number % 4]
        text = "\n\n".join(lines) + "\n"
        articles.append(Article(name, name, text))
        spans = (Span(text.index("gold"), text.index("gold") + 4),)
        questions.append(Question(f"What was the mill of {name} painted?", name, spans, ("gold",)))
    return QuestionSet("mills", articles, questions)


def test_it_is_fitted_beside_the_ranker(encoder, model, tmp_path):
    """The training command's fit leaves the ranker as it is, and adds what makes a model that knows better count: the
    right sentences come first and are told from those that only stand in."""
    reranker = CrossEncoderReranker(str(model), budget_ms=math.inf, most=8)
    look = looking(LearnedRanker(), reranker)
    groups = groups_of(mills(), encoder, lambda *_: None, kinds=("whole", "half"), look=look)
    content = with_reranker(groups, {"by": "a test"}, reranker.identity)
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert {key: content[key] for key in shipped if key != "reranker"} == shipped
    assert content["reranker"]["order"]["terms"]["logit"]["weight"] > 0
    file = tmp_path / "ranker.json"
    file.write_text(json.dumps(content))
    ranker = LearnedRanker(file)
    assert fitted_for(reranker.identity, ranker) is not None
    corpus = Corpus(tmp_path / "corpus.db", encoder)
    Indexer(corpus.store, encoder).add_articles(mills().articles[::2])
    retriever = Retriever([corpus], encoder, ranker, reranker=reranker)
    firsts = [(question, retriever.rank(question.text, top=1)[0][0]) for question in mills().questions]
    for question, first in firsts[::2]:
        assert first.article.source == question.article
        assert "gold" in first.candidate.sentence.terms
    inside, outside = (np.mean([first.probability for _, first in firsts[start::2]]) for start in (0, 1))
    assert inside > 0.7
    assert outside < 0.3
    corpus.close()


def test_fitting_needs_answers(encoder, reranker):
    """Sets whose questions are not answered by their articles are refused with what is needed."""
    own = mills()
    lost = QuestionSet("lost", own.articles, [Question(one.text, one.article, (Span(9_000, 9_001),), ("x",))
                                              for one in own.questions[:2]])  # fmt: skip
    groups = groups_of(lost, encoder, lambda *_: None, kinds=("whole",), look=looking(LearnedRanker(), reranker))
    with pytest.raises(UserError, match="articles answer"):
        read_of(groups)


def test_fitting_never_overwrites_the_shipped_weights(capsys):
    """Without --out the training command refuses to fit a reranker."""
    with pytest.raises(SystemExit):
        train(["somewhere", "--reranker", "x/y"])
    assert "--reranker needs --out FILE" in capsys.readouterr().err


# -- the program


@pytest.fixture
def bot(tmp_path, capsys, encoder, monkeypatch):
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)

    def run(*arguments):
        code = app.main([str(one) for one in arguments], home=tmp_path, make_encoder=lambda config: encoder)
        return code, capsys.readouterr().out

    return run


def configured(folder: Path, model: Path, weights: Path | None = None) -> None:
    lines = f"[reranker]\nmodel = '{model.as_posix()}'\nbudget_ms = 60000\n"
    lines += f"[ranking]\nweights = '{weights.name}'\n" if weights else ""
    (folder / "config.toml").write_text(lines, encoding="utf-8")


def test_the_terminal_uses_it(bot, model, reranker, articles, tmp_path):
    """`ask` answers with the configured reranker and weights."""
    assert bot("index", articles)[0] == Exit.DONE
    ranker_with(tmp_path, fitted(reranker.identity))
    configured(tmp_path, model, tmp_path / "ranker.json")
    code, out = bot("ask", QUESTION, "--top", "1", "--json")
    assert code == Exit.DONE
    assert json.loads(out)["hits"][0]["text"] == "The owner learnt her trade in Lisbon."


def test_check_tells_whether_it_is_calibrated(bot, model, reranker, tmp_path):
    """`check` loads the reranker, says how to calibrate one that is not, and fails for one that cannot be had."""
    configured(tmp_path, model)
    code, out = bot("check")
    assert code == Exit.DONE
    assert "not calibrated" in out
    assert "benchmarks.train" in out
    ranker_with(tmp_path, fitted(reranker.identity))
    configured(tmp_path, model, tmp_path / "ranker.json")
    assert ", calibrated" in bot("check")[1]
    configured(tmp_path, tmp_path / "missing")
    code, out = bot("check")
    assert code == Exit.ERROR
    assert "FAILED Reranker" in out
    (tmp_path / "ranker.json").write_text("{}")
    configured(tmp_path, model, tmp_path / "ranker.json")
    assert "FAILED Ranking" in bot("check")[1]


def test_the_bot_uses_it(library, encoder, articles, model, tmp_path):
    """The bot loads the reranker while it warms up, and answers with it."""
    reranker = CrossEncoderReranker(str(model), budget_ms=math.inf)
    ranker = ranker_with(tmp_path, fitted(reranker.identity))
    settings = Settings(articles, tmp_path / "data", 3, 0.8, 100_000, 200, frozenset(), False)
    service = Service(library, encoder, settings, ranker=ranker, reranker=reranker)
    Indexer(library.corpus(None, create=True).store, encoder).sync([str(articles)])
    service.warm_up()
    assert reranker._model is not None
    assert "Lisbon" in service.ask(NOWHERE, QUESTION).answer.hits[0].citation.text
