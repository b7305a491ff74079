"""Sentences and paragraphs: what holds for every text, and what holds for the kinds of text that articles have."""

import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks import segmentation
from index import sentences as module
from index.article import Sentence
from index.paragraphs import MAX_PARAGRAPH, headings, paragraphs
from index.sentences import MAX_SENTENCE, split

EVAL = Path(__file__).parents[1].parent / "shared" / "eval"

LANGUAGES = st.sampled_from(["en", "de", "fr", "es", "ru", "zh", "ja", "ar", "hi", "xx", ""])
MARKS = (
    ". ! ? … \" ' “ ” „ « » ( ) [ ] - -- — * *** • 1. 2) a. # | : ; , :) 😀 👩‍👩‍👧 🇩🇪 é 。 ！ 「 」 ؟ । "
    "U.S. Mr. a.m. etc. Vol. 5 no. 3.5 http://example.com/a.b x@example.com The it She said 日本 Привет مرحبا Regards,"
)
BLANKS = [" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u200b", "\u2028", "\ufeff"]
PIECES = st.sampled_from([*MARKS.split(), *BLANKS, "\u0301", "\ud800", "word " * 200])
RICH = st.lists(PIECES | st.text(max_size=8), max_size=60).map("".join)
CLAUSE = "the council met Dr. Smith in 3.5 hours and said “yes.” (again)"
WORDS = st.lists(st.sampled_from(CLAUSE.split()), min_size=1)
PROSE = st.lists(st.tuples(WORDS, st.sampled_from([".", "!", "?", "...", ".”", ""])), min_size=1, max_size=8).map(
    lambda parts: " ".join(" ".join(words).capitalize() + end for words, end in parts)
)
LINES = st.one_of(
    PROSE,
    WORDS.map(lambda words: "- " + " ".join(words)),
    WORDS.map(lambda words: "# " + " ".join(words)),
    WORDS.map(lambda words: "| " + " | ".join(words) + " |"),
    st.just(""),
)
ARTICLES = st.lists(LINES, max_size=15).map("\n".join)
TEXTS = st.one_of(st.text(), RICH, ARTICLES)


def texts(text: str, language: str = "en") -> list[str]:
    return [sentence.of(text) for sentence in split(text, language)]


def grouped(text: str) -> list[list[str]]:
    return [[sentence.of(text) for sentence in run] for run in paragraphs(text, split(text))]


@settings(max_examples=400, deadline=None)
@given(TEXTS, LANGUAGES)
@example("a" * 3000, "en")
@example("e" + "\u0301" * 3000, "en")
@example("“" * 6000 + "\ud800", "en")
def test_spans_partition_the_text(text: str, language: str) -> None:
    """Spans are ordered, apart, stripped, within one line and the limit, and cover every non-blank character."""
    found = split(text, language)
    end = 0
    for sentence in found:
        assert isinstance(sentence, Sentence)
        assert not text[end : sentence.start].strip()
        assert end <= sentence.start < sentence.end <= len(text)
        part = sentence.of(text)
        assert part == part.strip() == text[sentence.start : sentence.end]
        assert len(part) <= MAX_SENTENCE
        assert len(part.splitlines()) == 1
        end = sentence.end
    assert not text[end:].strip()


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_paragraphs_hold_each_sentence_once(text: str) -> None:
    """Every sentence is in exactly one paragraph, in order, and no paragraph is longer than the limit."""
    found = split(text)
    runs = paragraphs(text, found)
    assert [sentence for run in runs for sentence in run] == found
    assert all(run and run[-1].end - run[0].start <= MAX_PARAGRAPH for run in runs)


@settings(max_examples=100, deadline=None)
@given(RICH)
def test_a_segmenter_that_fails_costs_no_text(text: str) -> None:
    """Where sentencex raises even a BaseException, a plain rule takes its place and no character is lost."""

    class Broken:
        @staticmethod
        def segment(language: str, text: str) -> list[str]:
            raise BaseException("panic")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "sentencex", Broken)
        found = split(text)
    assert "".join("".join(s.of(text) for s in found).split()) == "".join(text.split())


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_passed_on(monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]) -> None:
    """Ctrl-C during splitting stops it; it is not taken for a failure of the segmenter."""

    class Interrupted:
        @staticmethod
        def segment(language: str, text: str) -> list[str]:
            raise interruption

    monkeypatch.setattr(module, "sentencex", Interrupted)
    with pytest.raises(interruption):
        split("One. Two.")


WHOLE = [
    "Dr. Smith met Mr. J. R. Jones in St. Louis.",
    "It opened at 5 a.m. on Monday.",
    "The meeting is at 10 a.m. (local time) at the town hall.",
    "I work for the U.S. Government in Virginia.",
    "The price rose by 3.5 percent to $1,200.50 a ton.",
    "See Vol. 5 and figs. 3 and 4 for approx. 20 examples.",
    '"Really?" she asked.',
    "She turned to him, “This is great.” and left.",
    "He teaches (He was an engineer.) at the school.",
    "Version 1.2.3 is at https://www.example.com/a.b/c.html now.",
    "We need 1) tea, 2) milk, and 3) sugar.",
    "People...were late.",
    "Write “My name is ___ and I am ___ years old” here.",
    "The search engine -- a great one -- went public.",
    "| Mr. Smith | 3.5. | He came. |",
]


@pytest.mark.parametrize("text", WHOLE)
def test_one_sentence_stays_whole(text: str) -> None:
    """Abbreviations, decimals, links, asides, quotations with their verb and table rows are not split within."""
    assert texts(text) == [text]


SEVERAL = {
    "en": [
        ["I live in the U.S.", "How about you?"],
        ["She has $100.00.", "It is in her bag."],
        ['She said, "This is great."', "She held it out."],
        ["He came at 6 p.m.", "Mr. Smith left."],
        ["Nobody was ruder to me.", "I will not return."],
        ["So good!!", "i went twice."],
        ["I love her. :)", "She is fine 😀", "Yes."],
        ["He paused…", "Then he left."],
        ["The end.[1]", "Next came Rome."],
        ["(Laughter.)", "This is not over.", "(Applause.)", "The hymn was sung."],
        ["It was over.", "***", "A year later she came back."],
        ["1. Open the box.", "2. Close it."],
        ["Do this:", "1. Open the box", "2. Close it"],
        ["1) The first item", "2) The second item"],
        ["• Bread", "• Butter"],
        ["Let me know.", "Regards,", "Ann"],
    ],
    "de": [["Das kostet z. B. 3,50 Euro.", "„Gut“, sagte Dr. Maier."]],
    "es": [["¿Dónde está?", "¡Aquí está!", "Bien."]],
    "it": [["È presente l'Avv. Rossi?", "Sì, c'è."]],
    "ru": [["Привет, как дела?", "Всё хорошо."]],
    "ar": [["كيف حالك؟", "أنا بخير."]],
    "hi": [["यह एक है।", "यह दो है।"]],
}


@pytest.mark.parametrize(("language", "wanted"), [(k, v) for k, values in SEVERAL.items() for v in values])
def test_sentences_are_told_apart(language: str, wanted: list[str]) -> None:
    """A sentence ends where a reader ends it, with its quotes, emoticons, footnote marks and list markers."""
    assert texts(" ".join(wanted), language) == wanted


def test_scripts_without_blanks_are_split() -> None:
    """Chinese and Japanese sentences end at their own marks, without a blank after them."""
    assert texts("你好。我是😀学生！真的吗？", "zh") == ["你好。", "我是😀学生！", "真的吗？"]
    assert texts("今日は晴れです。明日は雨です。", "ja") == ["今日は晴れです。", "明日は雨です。"]


def test_offsets_count_code_points() -> None:
    """Emoji, joined emoji and combining accents before a sentence do not shift its offsets."""
    text = "Hi 👩‍👩‍👧 e\u0301 🇩🇪 there. Second one. 𝒳 third."
    assert texts(text)[1:] == ["Second one.", "𝒳 third."]


def test_lines_are_units() -> None:
    """Headings, list items, captions and table rows are sentences of their own, markers included."""
    lines = [
        "# 1. Introduction",
        "2. Open the box",
        "- Bread and butter",
        "* Milk",
        "a) The first",
        "Figure 3. A map of the town",
        "Name\tAge\tCity",
        "| Dr. Who. | 3.5 |",
        "3.2. Scope",
        "The text goes on",
    ]
    assert texts("\n".join(lines)) == lines


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85", "\n\n \n"])
def test_no_sentence_crosses_a_line(newline: str) -> None:
    """Any kind of line break ends a sentence."""
    assert texts(f"A heading{newline}and a line") == ["A heading", "and a line"]


def test_a_long_quotation_is_split_and_a_short_one_is_not() -> None:
    """Speech of several sentences is quoted in parts when it is long, and whole when it is short."""
    short = "“I came. I saw. I won,” he said."
    assert texts(short) == [short]
    speech = [
        "“" + "We waited all night for the boat" + " and the rain" * 6 + ".",
        "Nobody came to help us.”",
        "He left.",
    ]
    assert texts(" ".join(speech)) == speech


def test_a_quote_that_never_closes_hides_no_sentence() -> None:
    """An unbalanced quotation mark does not swallow the rest of its line."""
    assert len(texts("“We waited. " + "The boat was late. " * 20)) == 21


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("the committee heard of many things; " * 90, ";"),
        ("the committee heard of many things, " * 90, ","),
        ("the committee heard of many things " * 90, "committee heard of many things the"),
    ],
)
def test_an_endless_sentence_is_cut_at_a_sensible_place(text: str, ends: str) -> None:
    """3,000 characters without an end are cut at semicolons, else at commas, else between words, evenly."""
    parts = texts(text)
    assert " ".join(parts) == text.strip()
    assert all(MAX_SENTENCE / 2 < len(part) <= MAX_SENTENCE for part in parts)
    assert all(part.endswith(ends) or ends[-1].isalpha() for part in parts)


@pytest.mark.parametrize("character", ["e\u0301\u0323", "👩‍👩‍👧‍👦", "👍🏽"])
def test_a_hard_cut_leaves_characters_whole(character: str) -> None:
    """Where nothing else is left, a cut falls between what a reader takes for characters."""
    parts = texts(character * 1000)
    assert len(parts) > 1
    assert all(len(part) % len(character) == 0 for part in parts)


HOSTILE = [
    *(
        "a",
        ".",
        '"',
        "“",
        "«",
        "'",
        "`",
        "(",
        "[",
        "*",
        "-",
        "!",
        "…",
        "😀",
        "\u0301",
        "\u200d",
        "\n",
        " ",
        "|",
        "\ud800",
    ),
    *(
        "1. ",
        ". ",
        "a\n",
        "A. ",
        '"a. ',
        "! ",
        "?! ",
        "• ",
        "- ",
        "1) ",
        ". :) ",
        "://",
        "http://",
        "@a",
        "*** ",
        "no. A ",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_text_alone(unit: str) -> None:
    """Twice as much of any character takes about twice as long to split and group, not four times."""

    def took(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(2):
            started = time.process_time()
            paragraphs(text, split(text))
            best = min(best, time.process_time() - started)
        return best

    small = took(30_000)
    # Eight times the text: about 8 where time is linear, 64 where it is quadratic; the rest is for noise.
    assert took(240_000) < 24 * small + 0.25


def test_sentencex_gets_bounded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a line is, sentencex never sees more than a block of it, and little of it twice."""
    seen: list[int] = []
    real = module.sentencex.segment

    class Counting:
        @staticmethod
        def segment(language: str, text: str) -> list[str]:
            seen.append(len(text))
            return real(language, text)

    monkeypatch.setattr(module, "sentencex", Counting)
    text = "It was late. " * 10_000
    assert texts(text) == ["It was late."] * 10_000
    assert max(seen) <= 5_000
    assert sum(seen) < 2 * len(text)


def test_a_line_break_ends_a_paragraph() -> None:
    """Lines of prose are paragraphs, with or without blank lines between them."""
    assert grouped("One. Two.\nThree.\n\nFour.") == [["One.", "Two."], ["Three."], ["Four."]]


def test_a_heading_goes_with_its_body() -> None:
    """A heading, numbered or not, and its subheading open the paragraph after them; one without a body stands alone."""
    text = "The harbour\nHistory\nIt was built early. It burned.\n2. Results\nIt pays.\n## Sources"
    assert grouped(text) == [
        ["The harbour", "History", "It was built early.", "It burned."],
        ["2. Results", "It pays."],
        ["## Sources"],
    ]


def test_a_list_goes_with_its_introduction() -> None:
    """List items and table rows stay together, with the line that introduces them, and apart from what follows."""
    text = "All is well.\nYou need:\n- bread\n- butter\nThen begin.\n| a | b |\n| c | d |\nThe end."
    assert grouped(text) == [
        ["All is well."],
        ["You need:", "- bread", "- butter"],
        ["Then begin."],
        ["| a | b |", "| c | d |"],
        ["The end."],
    ]


def test_a_text_without_line_breaks_has_paragraphs() -> None:
    """A long block is cut into runs of similar length at sentence ends."""
    text = "The council met again and talked about the harbour. " * 60
    lengths = [run[-1].end - run[0].start for run in paragraphs(text, split(text))]
    assert len(lengths) == 4
    assert max(lengths) <= MAX_PARAGRAPH
    assert max(lengths) - min(lengths) <= 110


needs_data = pytest.mark.skipif(
    not all((EVAL / path).is_file() for path in (segmentation.EWT, segmentation.GOLDEN)),
    reason="the public segmentation sets are not beside the repository",
)


@needs_data
def test_sentences_of_ud_ewt_are_found() -> None:
    """Exact-span F1 on the dev set of UD English EWT is at least .86, and above sentencex alone."""
    documents = segmentation.read_ewt(EVAL)
    f1 = segmentation.Score.of(split, documents).f1
    assert f1 >= 0.86
    assert f1 > segmentation.Score.of(segmentation.sentencex_alone, documents).f1


@needs_data
def test_golden_rules_pass() -> None:
    """At least 43 of the 48 English golden rules pass."""
    rules = segmentation.read_golden(EVAL)
    assert len(rules) == 48
    assert len(rules) - len(segmentation.golden_failures(split, rules)) >= 43


@needs_data
def test_golden_rules_of_other_languages_pass() -> None:
    """At least 250 of the 273 golden rules of 21 other languages pass, more than by sentencex alone."""
    golden = segmentation.measure_languages(EVAL)["golden"]
    passed, alone, every = (sum(row[way] for row in golden.values()) for way in ("verbatim", "sentencex alone", "of"))
    assert (every, len(golden)) == (273, 21)
    assert passed >= 250 and passed > alone


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Im 19. Jahrhundert kam er. Am 3. Mai ging er.", ["Im 19. Jahrhundert kam er.", "Am 3. Mai ging er."]),
        ("en", "He is 19. She is 20.", ["He is 19.", "She is 20."]),
        ("zh", "他来了。“瘟疫”开始了。", ["他来了。", "“瘟疫”开始了。"]),
        ("ar", "هل جاء؟ نعم، جاء.", ["هل جاء؟", "نعم، جاء."]),
        ("hi", "वह आया। वह गया।", ["वह आया।", "वह गया।"]),
        ("ru", "В 1932 г. построили мост. Он зелёный.", ["В 1932 г. построили мост.", "Он зелёный."]),
        ("und", "He came. She left.", ["He came.", "She left."]),
    ],
)
def test_rules_of_a_language(language: str, text: str, expected: list[str]) -> None:
    """Sentences end where their language ends them."""
    assert [span.of(text) for span in split(text, language)] == expected


def test_the_benchmark_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its data the benchmark names the files and ends with status 2."""
    assert segmentation.main([str(tmp_path)]) == 2
    assert "dev.jsonl.gz" in capsys.readouterr().err


def heading_texts(text: str) -> set[str]:
    return {span.of(text) for span in headings(text, split(text))}


def test_headings_announce_what_follows():
    """A short line without an end, or a question on its own line, is a heading of the text below it."""
    text = "Harbour rules\nMooring\nBoats moor at the east quay.\nWho pays?\nThe owner pays the fee.\nLast words"
    assert heading_texts(text) == {"Harbour rules", "Mooring", "Who pays?"}


def test_short_lines_that_are_no_headings():
    """Lists without markers, poems, table rows, and what ends the text are no headings."""
    assert heading_texts("Flour 500 g\nWater 300 g\nSalt 10 g\nMix it all.") == set()
    assert heading_texts("Beacon | 200 | vote\nEmber | 50 | speak\nThat is all.") == set()
    assert heading_texts("Only a title") == set()
    assert heading_texts("It rained. Who knew? Nobody did.\nThe end came.") == set()
