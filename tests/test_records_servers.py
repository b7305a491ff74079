"""What is kept of servers: their settings, their departures, their questions as a whole, what they were told."""

import threading

import pytest

from records.answers import AnswerRecord, Judgement, KeptHit, Place
from records.preferences import Preferences
from records.records import Records

HARBOUR, MEADOW = 2001 << 22, 2002 << 22
EVERYTHING = {
    "manager_roles": frozenset({5, 2**63}),
    "channels": frozenset({6}),
    "forums": frozenset({7}),
    "hits": 5,
    "precision": 0.9,
    "log_questions": True,
    "language": "uk",
    "log_channel": 8,
    "direct": False,
}


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path)
    yield records
    records.close()


def keep_answer(records, place, question=None, guild=HARBOUR, asked=1.0):
    """Keeps an answer, and of a question in words also a judgement, 100 days later; returns the answer's id."""
    hit = KeptHit(Place(place, 1, 0, 5, "d"), 0.9, "strong")
    record = AnswerRecord(place, guild, 11, False, asked, True, 3, question, question, "hash", "r", (hit,))
    records.answers.keep(record)
    if question is not None:
        later = asked + 100 * 86_400.0
        judged = Judgement(record.id, 12, place, True, None, later, question, (), "hash", "r")
        records.answers.judge(judged)
    return record.id


# -- settings


def test_defaults(records):
    """A server that has set nothing, and every place that is no server, has the defaults."""
    assert records.preferences.of(HARBOUR) == records.preferences.of(None) == Preferences()
    assert records.preferences.all() == {}


def test_settings_last(records, tmp_path):
    """Each setting is kept for good, and changing one leaves the others and other servers alone."""
    for name, value in EVERYTHING.items():
        records.preferences.change(HARBOUR, **{name: value})
        assert getattr(records.preferences.of(HARBOUR), name) == value
    assert records.preferences.of(HARBOUR) == Preferences(**EVERYTHING)
    records.preferences.change(MEADOW, hits=1)
    again = Records(tmp_path)
    assert again.preferences.all() == {HARBOUR: Preferences(**EVERYTHING), MEADOW: Preferences(hits=1)}
    again.preferences.change(HARBOUR, hits=None, channels=frozenset())
    again.close()
    assert Records(tmp_path).preferences.of(HARBOUR).hits is None
    records.preferences.forget(HARBOUR)
    assert records.preferences.of(HARBOUR) == Preferences()
    assert Records(tmp_path).preferences.all() == {MEADOW: Preferences(hits=1)}


def test_unknown_settings_are_refused(records):
    """A setting that there is not is a defect, and changes nothing."""
    with pytest.raises(TypeError):
        records.preferences.change(HARBOUR, colour="red")
    assert records.preferences.all() == {}


def test_settings_of_a_newer_version_are_passed_over(records, tmp_path):
    """What a newer version has set is left alone by an older one."""
    records.preferences.change(HARBOUR, hits=2)
    with records._database.transaction("IMMEDIATE") as connection:
        connection.execute("INSERT INTO preference VALUES (?, 'colour', '\"red\"')", (HARBOUR,))
    assert Records(tmp_path).preferences.of(HARBOUR) == Preferences(hits=2)


def test_settings_changed_at_once(records, tmp_path):
    """Two people who change different settings at the same time both have their way."""
    names = [name for name in EVERYTHING for _ in range(5)]
    threads = [
        threading.Thread(target=records.preferences.change, args=(HARBOUR,), kwargs={name: EVERYTHING[name]})
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.preferences.of(HARBOUR) == Preferences(**EVERYTHING) == Records(tmp_path).preferences.of(HARBOUR)


# -- departures


def test_departures(records, tmp_path):
    """A departure keeps its first time, ends with the return, and is known again after a restart."""
    records.servers.departed([HARBOUR, MEADOW], 10.0)
    records.servers.departed([HARBOUR], 20.0)
    assert records.servers.departures() == {HARBOUR: 10.0, MEADOW: 10.0}
    records.servers.returned([HARBOUR, 5])
    again = Records(tmp_path)
    assert again.servers.departures() == {MEADOW: 10.0}
    again.servers.forget(MEADOW)
    assert again.servers.departures() == {}


def test_known_servers(records):
    """Every server that anything is kept of is known, and nothing else."""
    assert records.servers.known() == set()
    records.preferences.change(1, hits=2)
    records.servers.tell_once(2, ["feed 7"], 1.0)
    keep_answer(records, 3, guild=4)
    keep_answer(records, 0, guild=None)  # the operator's articles, in direct messages
    keep_answer(records, 5, "Where?", guild=None)
    assert records.servers.known() == {1, 2, 3, 4, 5}


def test_forgetting_a_server(records):
    """Of a server that is forgotten nothing stays but what it has set, and nothing of another goes."""
    for server in (HARBOUR, MEADOW):
        keep_answer(records, server, "Where is the boat?", guild=server)
        keep_answer(records, 0, guild=server)
        records.servers.tell_once(server, ["feed"], 1.0)
        records.servers.departed([server], 1.0)
    records.servers.forget(HARBOUR)
    assert records.servers.known() == {MEADOW}
    assert records.servers.departures() == {MEADOW: 1.0}
    assert {one.place for one in records.answers.judgements()} == {MEADOW}
    assert records.servers.tell_once(HARBOUR, ["feed"], 1.0) == ["feed"]


def test_no_table_is_left_out(records):
    """Every table that names servers is one that `known` and `forget` see to: a new one has to be entered there."""
    named = {"server", "place", "guild"}
    tables = [row[0] for row in records._database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {table: {row[1] for row in records._database.rows(f"PRAGMA table_info({table})")} for table in tables}
    seen_to = {"preference", "answer", "judgement", "departure", "told", "chosen", "score"}
    assert {table for table, names in columns.items() if names & named} == seen_to


# -- questions


def test_counting_questions(records):
    """Questions kept in words are counted once each, also when only their judgements are left."""
    assert records.servers.questions(HARBOUR) == 0
    keep_answer(records, HARBOUR)
    keep_answer(records, HARBOUR, "Where?", asked=400 * 86_400.0)
    old = keep_answer(records, HARBOUR, "When?")
    keep_answer(records, MEADOW, "Why?", asked=400 * 86_400.0)
    records.answers.prune(400 * 86_400.0)
    assert records.answers.of(old) is None
    assert records.servers.questions(HARBOUR) == 2
    assert records.servers.with_questions() == {HARBOUR, MEADOW}


def test_forgetting_questions(records, tmp_path):
    """Forgetting a server's questions leaves no word and no judgement of them in the file, and its answers' records
    without them; another server's stay."""
    asked = keep_answer(records, HARBOUR, "Where is the xylophone?")
    keep_answer(records, MEADOW, "Where is the bassoon?")
    records.servers.forget_questions(HARBOUR)
    left = records.answers.of(asked)
    assert left.question is None
    assert left.searched is None
    assert left.hits
    assert records.servers.questions(HARBOUR) == 0
    assert records.servers.with_questions() == {MEADOW}
    assert [one.place for one in records.answers.judgements()] == [MEADOW]
    records._database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "discord.db").read_bytes()
    assert b"xylophone" not in content
    assert b"bassoon" in content


# -- what was told


def test_telling_once(records):
    """What was told is not told again until it was over in between; each server is told for itself."""
    assert records.servers.tell_once(HARBOUR, ["a", "b"], 1.0) == ["a", "b"]
    assert records.servers.tell_once(HARBOUR, ["b", "c"], 2.0) == ["c"]
    assert records.servers.tell_once(MEADOW, ["a"], 2.0) == ["a"]
    records.servers.is_over(HARBOUR, ["a"])
    assert records.servers.tell_once(HARBOUR, ["a", "b"], 3.0) == ["a"]
