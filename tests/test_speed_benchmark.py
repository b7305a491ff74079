"""The benchmark beside other systems: what it is given, how it speaks with them, and what it makes of the figures."""

import ast
import json
import random
import sys
from itertools import islice

import pytest

from benchmarks.speed.__main__ import main
from benchmarks.speed.adapters.protocol import Given
from benchmarks.speed.adapters.verbatim import AT_WORK
from benchmarks.speed.drawing import pictures
from benchmarks.speed.environments import ROOT, SYSTEMS
from benchmarks.speed.generator import ARTICLE, Real, is_plain, laid_out, mixed
from benchmarks.speed.process import Beyond, Running
from benchmarks.speed.results import ratios, told
from cogs.bridge import _WORKERS, Lane
from index.article import Article
from index.preparing import draft_of

WORDS = """
river harbour winter morning bridge letter engine garden market window island station people village summer council
walked carried opened painted counted mended gathered followed between before against through behind under beyond every
several quiet narrow wooden northern famous broken early distant little heavy yellow strange gentle
""".split()


def _source(number):
    words = random.Random(number).choices(WORDS, k=12)
    return Real(f"Chapter {number // 20}", f"{' '.join(words).capitalize()}.")


SOURCES = [_source(number) for number in range(100)]
SYSTEM = """
import sys, time
from benchmarks.speed.adapters.protocol import serve

class Odd:
    configured, packages = "oddly", ()
    def create(self, folder): print("noise on stdout")
    def ask(self, question):
        if question == "raise": raise ValueError("no such thing")
        if question == "end": sys.exit("gone")
        if question == "wait": time.sleep(60)
        if question == "grow":
            self.held = b"x" * (300 * 1024 * 1024)
            time.sleep(60)
        return [(question, "here")]

serve(Odd)
"""


def generated(number, seed=6):
    return list(islice(mixed(SOURCES, {one.text for one in SOURCES}, seed), number))


def odd(mib=2_000):
    return Running([sys.executable, "-c", SYSTEM], {"PYTHONPATH": str(ROOT)}, ROOT, mib)


def test_generated_articles_are_the_same_for_the_same_seed_and_others_for_another():
    """A run gives all systems, and the next run, the same articles."""
    assert generated(1) == generated(1)
    assert generated(1) != generated(1, seed=7)


def test_no_generated_sentence_repeats_another_or_a_real_one():
    """Each sentence of a generated article is new, and says which real sentences its halves come from."""
    known = {one.text for one in SOURCES}
    made = [one for _, article in islice(mixed(SOURCES, set(known), 6), 3) for one in article]
    texts = [one.text for one in made]
    assert len(texts) == len(set(texts)) == 3 * ARTICLE
    assert not known & set(texts)
    assert all(one.text.split()[:6] == SOURCES[one.first].text.split()[:6] for one in made)
    assert all(one.text.split()[6:] == SOURCES[one.second].text.split()[6:] for one in made)


def test_generated_articles_split_into_the_sentences_they_were_made_of():
    """What was generated as one sentence is one to the product, so that a corpus has the size it should."""
    title, article = generated(1)[0]
    given = laid_out("/generated/0", title, [one.text for one in article], random.Random(0))
    draft = draft_of(Article(given.source, given.title, given.text, language="en"), b"")
    assert [span.of(given.text) for paragraph in draft.paragraphs for span in paragraph] == given.sentences
    assert all(4 <= len(one) <= 6 for one in given.paragraphs[:-1])


def test_only_plain_sentences_are_taken_apart():
    """Abbreviations, brackets and colons stay out of generated sentences."""
    plain = "Members who bring a tool back late have to pay for the next evening."
    odd = "Members (who bring a tool back late) have to pay: it is for the next evening."
    short = "Dr. Miller says that trains of this kind will stop here, e.g. at noon, or later."
    assert [is_plain(text) for text in (plain, odd, short)] == [True, False, False]


def test_too_few_sentences_are_an_error_and_no_endless_search():
    """Where no more new sentences can be made, it is said."""
    with pytest.raises(ValueError, match="too few"):
        list(mixed(SOURCES[:4], set(), 6))


def test_an_article_is_cut_to_a_number_of_sentences():
    """A corpus can have any number of sentences."""
    given = Given("/a", "A", (("One.", "Two."), ("Three.", "Four.")))
    assert [given.cut(most).sentences for most in (1, 3, 9)] == [["One."], ["One.", "Two.", "Three."], given.sentences]
    assert given.text == "One. Two.\n\nThree. Four."


def test_what_a_system_prints_does_not_disturb_its_replies():
    """A system may write to stdout what it likes."""
    with odd() as running:
        running.call("create", within=30, folder="nowhere")
        assert running.call("ask", within=30, questions=["this"])["answers"] == [[["this", "here"]]]
        assert running.call("hello", within=30)["configured"] == "oddly"


def test_an_error_of_a_system_is_its_result_and_it_goes_on():
    """A step that fails says why, and the next is tried all the same."""
    with odd() as running:
        with pytest.raises(Beyond, match="ValueError: no such thing"):
            running.call("ask", within=30, questions=["raise"])
        assert running.call("ask", within=30, questions=["this"])["answers"]


@pytest.mark.parametrize(
    ("question", "within", "says"), [("wait", 1, "not within 1 s"), ("end", 30, "gone"), ("grow", 30, "of memory")]
)
def test_a_system_that_takes_too_long_or_too_much_or_dies_is_ended_and_said_so(question, within, says):
    """What is beyond its bound is a result in words, and never a made-up figure; the process is gone afterwards."""
    with odd(mib=200) as running:
        running.call("create", within=30, folder="nowhere")
        with pytest.raises(Beyond, match=says):
            running.call("ask", within=within, questions=[question])
        assert running.resident() == 0


def test_the_adapters_of_the_others_know_nothing_of_verbatim():
    """What measures another system imports nothing of the product."""
    adapters = ROOT / "benchmarks" / "speed" / "adapters"
    own = "benchmarks.speed.adapters."
    for module in ("protocol", "known", *(entry.module for entry in SYSTEMS.values() if entry.peer)):
        tree = ast.parse((adapters / f"{module}.py").read_text(encoding="utf-8"))
        names = [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
        names += [alias.name for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names]
        foreign = {name for name in names if not name.startswith(own)} - {"numpy", "numpy.typing"}
        assert {name.split(".")[0] for name in foreign} <= sys.stdlib_module_names, module


def one(system, size, question, **more):
    value = {"p50": question, "p95": 2 * question, "least": question, "mean": question, "n": 1}
    return {"system": system, "size": size, "ask_ms": value, **more}


def results(*figures):
    rates = {name: {"sentences": 1, "a_second": {"p50": rate, "least": rate, "n": 1}} for name, rate in RATES.items()}
    machine = {"processor": "P", "cores": 2, "memory_gb": 4.0, "system": "Linux", "python": "3"}
    material = {"sentences": 10, "real": 5, "encoded": 7}
    systems = {name: {"configured": "so", "packages": {"a": "1"}} for name in ("verbatim", "txtai")}
    made = {"machine": machine, "material": material, "systems": systems, "date": "2000-01-01"}
    made |= {"figures": list(figures), "throughput": rates}
    return made | {"ratios": ratios(made)}


RATES = {"verbatim": 300.0, "txtai": 100.0, "chroma": 200.0}


def test_verbatim_is_asked_as_in_the_bot():
    """As many questions are at work at once as the bot lets work."""
    assert _WORKERS[Lane.ASK] == AT_WORK


def test_ratios_are_of_the_best_peer_and_say_what_was_not_measured():
    """A figure that was aimed at is reached, missed, or not measured."""
    found = results(
        one("verbatim", 100_000, 10.0, resident_as_bot_mib=400.0),
        one("verbatim", 1_000_000, 15.0),
        one("floor", 100_000, 8.0),
        one("txtai", 100_000, 40.0),
        one("chroma", 100_000, 35.0),
    )["ratios"]
    of = {line["name"]: (line["value"], line["passed"]) for line in found}
    assert of["a question at 100k, p50, beside the floor: Verbatim's runtime, NumPy float32"] == (1.25, True)
    assert of["the best peer's question at 100k, p50, beside Verbatim's"] == (3.5, True)
    assert of["a question at 1M, p50, beside one at 100k"] == (1.5, True)
    assert of["indexing throughput, beside the best peer's"] == (1.5, False)
    assert of["memory of the bot's modules and 100k sentences, MiB"] == (400.0, False)
    assert of["restart to the first answer at 100k, beside the best peer's"] == (None, None)


def test_the_tables_and_pictures_hold_every_system_and_what_went_wrong():
    """What failed stands below the tables, and not as a figure."""
    found = results(
        one("verbatim", 1_000, 10.0),
        one("verbatim", 10_000, 20.0),
        one("txtai", 1_000, 40.0) | {"at_once_failed": "Already borrowed"},
        {"system": "chroma", "size": 1_000, "error": "not within 300 s"},
    )
    text = told(found)
    assert "| Verbatim | 10 / 20 | 20 / 40 |" in text
    assert "| txtai | 40 / 80 | – |" in text
    assert "Chroma at 1,000: stopped: not within 300 s" in text
    assert "Already borrowed" in text
    drawn = pictures(found["figures"])
    assert drawn.keys() == {"question.svg"}
    assert drawn["question.svg"].count("<polyline") == 2


@pytest.mark.slow
@pytest.mark.model
def test_a_quick_run_measures_verbatim_beside_the_floor(tmp_path, capsys):
    """The command runs from articles to figures, and writes all of them."""
    out = tmp_path / "figures.json"
    assert main(["--quick", "--work", str(tmp_path / "work"), "--json", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    own, floor = found["figures"]
    assert (own["system"], floor["system"], own["size"]) == ("verbatim", "floor", 300)
    assert "error" not in own and "error" not in floor
    measured = ("ask_ms", "at_once_ms", "add_ms", "ask_after_add_ms", "restart_ms")
    assert all(own[name]["n"] and own[name]["p95"] >= own[name]["p50"] > 0 for name in measured)
    assert min(own["resident_mib"], own["resident_as_bot_mib"], own["disk_mib"], own["built_s"]) > 0
    assert found["throughput"]["verbatim"]["a_second"]["p50"] > 0
    assert {line["name"] for line in found["ratios"]} >= {"a question at 1M, p50, beside one at 100k"}
    assert "Verbatim" in capsys.readouterr().out
    assert set(found["systems"]) == {"verbatim", "floor"} <= SYSTEMS.keys()
    more = tmp_path / "more.json"
    again = ["--quick", "--work", str(tmp_path / "work"), "--after", str(out), "--json", str(more)]
    assert main([*again, "--sizes", "60,300", "--systems", "floor"]) == 0
    first, second, added = json.loads(more.read_text(encoding="utf-8"))["figures"]
    assert (first, second) == (own, floor)
    assert (added["system"], added["size"]) == ("floor", 60)
    out.write_text(json.dumps({**found, "machine": {"processor": "another"}}), encoding="utf-8")
    assert main(again) == 1
    assert "another machine" in capsys.readouterr().err
