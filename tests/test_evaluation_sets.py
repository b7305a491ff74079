"""Question sets: the published layout, and the files that people bring about their own articles."""

import gzip
import json

import pytest

from evaluation import brought
from evaluation.sets import Question, half, load, spaced
from index.article import Article, Sentence, Span
from index.errors import UserError

TEXT = "The bridge opened in 1932.\n\nIt was painted\ngreen in 1950, and again in 1957."
BRIDGE = Article("/articles/bridge.md", "The Tallow Bridge", TEXT)
BAKERY = Article("/articles/bakery.txt", "A bakery", "The bakery opened in 1932, too. It sells bread.")


def written(folder, articles, questions, **others):
    """A set in the published layout."""
    folder.mkdir(exist_ok=True)
    for name, rows in {"articles": articles, "questions": questions, **others}.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def question(**changes):
    row = {"question": "When?", "article_id": "a", "answers": ["1932"], "spans": [[21, 25]], "answerable": True}
    return row | changes


# -- the published layout


def test_a_set_is_read(tmp_path):
    """Articles, questions and the published sentences come out as they stand in the files."""
    rows = [{"id": "a", "title": "Bridge", "text": TEXT, "sentences": [[0, 26], [28, 75]]}]
    unanswerable = question(question="Why?", answers=[], spans=[], answerable=False)
    found = load(written(tmp_path / "tiny", rows, [question(), unanswerable]))
    assert found.name == "tiny"
    assert found.articles == [Article("a", "Bridge", TEXT)]
    assert found.questions == [Question("When?", "a", (Span(21, 25),), ("1932",)), Question("Why?", "a", (), ())]
    assert [one.answerable for one in found.questions] == [True, False]
    assert found.boundaries == {"published": {"a": [Sentence(0, 26), Sentence(28, 75)]}}


def test_boundaries_in_files_of_their_own(tmp_path):
    """Each file of sentences is one set of boundaries, under its own name."""
    rows = [{"id": "a", "text": TEXT}]
    files = {"sentences_reqa": [[0, 26], [28, 75]], "sentences_multireqa": [[0, 75]]}
    others = {name: [{"id": "a", "sentences": spans}] for name, spans in files.items()}
    found = load(written(tmp_path / "tiny", rows, [question()], **others))
    assert {name: len(of["a"]) for name, of in found.boundaries.items()} == {"reqa": 2, "multireqa": 1}
    assert not found.articles[0].states_title


def test_an_answer_starts_with_its_first_letter(tmp_path):
    """A span that begins with blanks begins behind them, for a blank between sentences belongs to none."""
    found = load(written(tmp_path / "tiny", [{"id": "a", "text": TEXT}], [question(spans=[[26, 40]])]))
    assert found.questions[0].spans == (Span(28, 40),)


def test_an_unanswerable_question_with_spans_is_left_out(tmp_path):
    """A question whose answer stands there, but is marked as unanswerable, is asked neither as one nor as the other."""
    rows = [question(), question(answerable=False)]
    assert len(load(written(tmp_path / "tiny", [{"id": "a", "text": TEXT}], rows)).questions) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"article_id": "nosuch"},
        {"spans": [[70, 90]]},
        {"spans": [[5, 5]]},
        {"spans": [["a", "b"]]},
        {"spans": 7},
        {"spans": []},
        {"question": None},
    ],
)
def test_an_unsound_question_is_refused(tmp_path, changes):
    """A question that cannot be meant so stops the set; the message names the folder and where the layout stands."""
    folder = written(tmp_path / "tiny", [{"id": "a", "text": TEXT}], [question(**changes)])
    with pytest.raises(UserError, match=r"tiny holds no question set .*benchmarks/README\.md"):
        load(folder)


@pytest.mark.parametrize("sentences", [[[0, 30], [20, 40]], [[0, 900]], [[-5, 3]], [[9, 3]]])
def test_unsound_sentences_are_refused(tmp_path, sentences):
    """Published sentences that overlap or reach beyond the text are refused."""
    folder = written(tmp_path / "tiny", [{"id": "a", "text": TEXT, "sentences": sentences}], [question()])
    with pytest.raises(UserError, match="overlap"):
        load(folder)


def test_a_folder_without_a_set_is_refused(tmp_path):
    """A missing file and one that is cut off are both told."""
    with pytest.raises(UserError, match="FileNotFoundError"):
        load(tmp_path)
    folder = written(tmp_path / "tiny", [{"id": "a", "text": TEXT}], [question()])
    (folder / "questions.jsonl.gz").write_bytes((folder / "questions.jsonl.gz").read_bytes()[:-12])
    with pytest.raises(UserError, match="EOFError"):
        load(folder)


def test_half_is_a_hash_of_the_id():
    """The halves are stable, and about equal."""
    assert [half(name) for name in ("Warsaw", "a", "b", "c")] == [1, 0, 0, 0]
    assert 400 < sum(half(str(i)) for i in range(1_000)) < 600


def test_spaced():
    """A limit takes evenly spaced values, the first among them; no limit takes all."""
    assert spaced("abcdefghij", 3) == ["a", "d", "g"]
    assert spaced("abc", 5) == spaced("abc", None) == ["a", "b", "c"]


# -- what people bring


def file(tmp_path, text, name="questions.jsonl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def located(tmp_path, text, name="questions.jsonl"):
    return brought.locate(brought.read(file(tmp_path, text, name)), [BRIDGE, BAKERY])


def test_an_answer_is_found_wherever_it_stands(tmp_path):
    """An answer counts in every article that has its words; with an article named, by title or source, only there."""
    anywhere, there, by_name = located(
        tmp_path,
        '{"question": "When?", "answer": "opened in 1932"}\n\n'
        '{"question": "When?", "answer": "1932", "article": "the tallow bridge"}\n'
        '{"question": "When?", "answers": ["1932", "sells bread"], "article": "bakery.txt"}\n',
    )
    assert (anywhere.article, anywhere.spans) == (BRIDGE.source, (Span(11, 25),))
    assert anywhere.elsewhere == ((BAKERY.source, Span(11, 25)),)
    assert (there.spans, there.elsewhere) == ((Span(21, 25),), ())
    assert (by_name.article, by_name.spans) == (BAKERY.source, (Span(21, 25), Span(35, 46)))


def test_blanks_do_not_matter(tmp_path):
    """An answer that runs over a line break in the article is found."""
    (found,) = located(tmp_path, '{"question": "How?", "answer": "  painted   green "}')
    assert found.spans[0].of(TEXT) == "painted\ngreen"
    assert found.answers == ("painted green",)


def test_a_part_of_a_word_is_no_answer(tmp_path):
    """The 19 of 1932 does not count."""
    with pytest.raises(UserError, match="does not stand in any indexed article: “19”"):
        located(tmp_path, '{"question": "When?", "answer": "19"}')


def test_a_question_that_nothing_shall_answer(tmp_path):
    """With "answerable": false a question has no places."""
    (found,) = located(tmp_path, '{"question": "Who designed it?", "answerable": false}')
    assert not found.answerable
    assert found.answers == ()


def test_csv_says_the_same(tmp_path):
    """CSV with the same columns, as spreadsheets write it, gives the same questions; answers are divided by a bar."""
    lines = located(
        tmp_path,
        '{"question": "When, then?", "answers": ["1932", "1950"], "article": "The Tallow Bridge"}\n'
        '{"question": "Who?", "answerable": false}\n',
    )
    comma = 'question,answers,article,answerable\r\n"When, then?",1932|1950,The Tallow Bridge,\r\nWho?,,,FALSE\r\n'
    semicolon = "question;answers;article;answerable\nWhen, then?;1932|1950;The Tallow Bridge;yes\nWho?;;;no\n"
    for text in (comma, "\ufeff" + comma, semicolon):
        assert [one.text for one in located(tmp_path, text, "questions.csv")] == [one.text for one in lines]
        assert located(tmp_path, text, "questions.CSV")[0] == lines[0]


@pytest.mark.parametrize(
    "line, message",
    [
        ("{nonsense", "Line 2 of the questions is not JSON"),
        ("[1]", "Line 2 of the questions is no JSON object"),
        ("[" * 100_000, "Line 2 of the questions is not JSON"),
        ('{"answer": "1932"}', "Line 2 of the questions has no question"),
        ('{"question": " ", "answer": "1932"}', "Line 2 of the questions has no question"),
        ('{"question": "When?"}', 'Line 2 of the questions has no answer: add "answer"'),
        ('{"question": "When?", "answers": []}', "Line 2 of the questions has no answer"),
        ('{"question": "When?", "answer": 1932}', "Line 2 of the questions has an answer that is no text"),
        ('{"question": "When?", "answers": "1932"}', "Line 2 of the questions has an answer that is no text"),
        ('{"question": "When?", "answers": ["1932", ""]}', "Line 2 of the questions has an answer that is no text"),
        ('{"question": "W", "answer": "1932", "answerable": false}', "is marked as not answerable"),
        ('{"question": "W", "answer": "1932", "answerable": "no"}', "neither true nor false"),
        ('{"question": "W", "answer": "1932", "article": 3}', "has an article that is no text"),
        ('{"question": "W", "answer": "1932", "article": "Nosuch"}', "names an article that is not indexed, “Nosuch”"),
        ('{"question": "W", "answer": "1957", "article": "A bakery"}', "does not stand in the article “A bakery”"),
        ('{"question": "W", "answer": "\\ud800"}', "Line 2 of the questions has an answer that does not stand"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    """Whatever is wrong with a line is said with its number and what to write instead."""
    with pytest.raises(UserError) as error:
        located(tmp_path, '{"question": "When?", "answer": "1932"}\n' + line + "\n")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("questions.txt", "When?", "neither .jsonl nor .csv"),
        ("questions.jsonl", "", "holds no questions"),
        ("questions.jsonl", b"\xff\xfe\x00", "not in UTF-8"),
        ("questions.csv", "frage,answer\nWann?,1932\n", "Line 1 of the questions names no column “question”"),
        ("questions.csv", "", "Line 1 of the questions names no column “question”"),
        ("questions.csv", "question,answer\nWhen, then?,in,1932\n", "Line 2 of the questions has more fields"),
        ("questions.csv", 'question,answer\n"When?,1932\n', "of the questions is not CSV"),
        ("questions.csv", "question,answer,answerable\nWhen?,1932,perhaps\n", "Line 2 of the questions has “perhaps”"),
        ("questions.csv", "question,answer\nWhen?,\n", "Line 2 of the questions has no answer"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, name, content, message):
    """A file that is no list of questions is refused in words."""
    with pytest.raises(UserError) as error:
        located(tmp_path, content, name)
    assert message in str(error.value)


def test_a_file_that_is_not_there_or_too_large(tmp_path, monkeypatch):
    """A missing file, a folder and one that is too large are refused before they are read."""
    for path in (tmp_path / "nosuch.jsonl", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            brought.read(path)
    monkeypatch.setattr(brought, "_MOST_BYTES", 10)
    with pytest.raises(UserError, match="is larger than"):
        brought.read(file(tmp_path, '{"question": "When?"}'))
