"""The process that reads: it gives what reading here would give, and nothing a file does to it reaches this one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from zipfile import ZipFile

import pytest

from index import isolation as module
from index.article import Article
from index.errors import Said, UserError
from index.feeds import parse
from index.isolation import Isolation
from index.readers import read
from index.readers.archive import Member, expand
from index.readers.kinds import Kind, kind_of
from index.reading import InProcess
from index.worker import _spelled

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
RIVER = "The river rose by four metres in a single night, and the bridge at the mill was closed until Sunday."
TEXT = f"A flood\n\n{RIVER}\n\nNobody was hurt.\n".encode()
MARKDOWN = f"---\ntitle: Überflutung\nauthor: the mill\npublished: 2024-05-06\n---\n\n# A flood\n\n{RIVER}\n".encode()
HTML = f"<html lang=en><head><title>A flood</title></head><body><article><p>{RIVER * 3}</p></article></body>".encode()
LONG = b"*a* " * 2_000_000  # Markdown that takes its parser a minute and gigabytes

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and limits of processes")
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def isolation() -> Iterator[Isolation]:
    """One for the tests that do not wear it out."""
    with Isolation() as isolation:
        yield isolation


def text_of(isolation: Isolation, data: bytes = TEXT, name: str = "flood.txt") -> str:
    return isolation.read(data, "source", name, max_bytes=100 * MIB).text


def message_of(isolation: Isolation, data: bytes = TEXT, name: str = "flood.txt") -> str:
    with pytest.raises(UserError) as caught:
        text_of(isolation, data, name)
    return str(caught.value)


def pid_of(isolation: Isolation) -> int:
    assert isolation._process is not None
    return isolation._process.pid


def is_there(pid: int) -> bool:
    """Whether the process runs; one that has ended and is merely not reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    try:
        return not status.parent.parent.joinpath("self").exists() or ") Z " not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before anybody would lose patience."""
    for _ in range(3_000):
        if condition():
            return True
        time.sleep(0.01)
    return False


class Started(Isolation):
    """Runs a script of the test's instead of `index.worker`; it has `send`, `receive` and the two pipes."""

    def __init__(self, folder: Path, script: str, **options: float) -> None:
        super().__init__(**options)
        self._script = folder / "script.py"
        self._script.write_text(dedent(script), encoding="utf-8")

    def _command(self) -> list[str]:
        return [sys.executable, str(self._script), *super()._command()[3:]]


class Rogue(Started):
    """A process that says it is ready, takes a job, and then does what it likes."""

    def __init__(self, folder: Path, deed: str, **options: float) -> None:
        head = """\
            import json, os, signal, sys, time
            from index.worker import receive, send
            jobs, answers = open(0, "rb", buffering=0), open(1, "wb", buffering=0)
            send(answers, {})
            """
        super().__init__(folder, dedent(head) + dedent(deed), **options)


TAKE = "job = json.loads(receive(jobs, 1000, 10**9)[0])\n"


def answering(reply: str, body: bytes = b"") -> str:
    """The deed of a process that answers one job so, and waits for the next."""
    article = {"source": "", "title": "A flood", "text": "It rose."}
    entry = {"key": "1", "title": "", "url": None, "author": None, "published": None, "updated": None}
    feed = {"title": "", "url": None, "entries": [entry | {"html": "", "is_full": True}], "ttl": None}
    values = f"ARTICLE = {article}\nFEED = {feed}\nENTRY = FEED['entries'][0]\n"
    nested = "{'template': '{a}{a}', 'values': {'a': NESTED}}"  # twice as long at each depth
    values += f"NESTED = {{'template': 'xx', 'values': {{}}}}\nfor _ in range(40):\n    NESTED = {nested}\n"
    return f"{TAKE}{values}send(answers, {reply}, [{body!r}])\nreceive(jobs, 99, 99)"


# The same as reading here


@pytest.mark.parametrize(("data", "name"), [(TEXT, "a.txt"), (MARKDOWN, "a.md"), (HTML, "ä “b”.html"), (b"x", "x.txt")])
def test_the_article_is_the_one_that_reading_here_gives(isolation: Isolation, data: bytes, name: str) -> None:
    """Every field of an article crosses unchanged: text, title, author, days, pages and the made-up title's mark."""
    assert isolation.read(data, "/a/ü\udc80", name, max_bytes=MIB) == read(data, "/a/ü\udc80", name, max_bytes=MIB)


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"", "a.txt"), (b"\x89PNG\r\n\x1a\n", "\udcff\n“.md"), (b"{\\rtf1 It rose.}", "a.txt"), (TEXT * 99, "a.txt")],
)
def test_what_a_reader_refuses_is_refused_in_its_own_words(isolation: Isolation, data: bytes, name: str) -> None:
    """A reader's error comes through word for word, and costs no process."""
    with pytest.raises(UserError) as expected:
        read(data, "source", name, max_bytes=5_000)
    text_of(isolation)
    before = pid_of(isolation)
    with pytest.raises(UserError) as caught:
        isolation.read(data, "source", name, max_bytes=5_000)
    assert str(caught.value) == str(expected.value)
    assert text_of(isolation)
    assert pid_of(isolation) == before


def test_a_zip_gives_the_members_that_expanding_it_here_gives(isolation: Isolation) -> None:
    """Names, bytes and problems of members cross unchanged, empty ones and those that cannot be read among them."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, data in {"a.txt": TEXT, "empty.md": b"", "ü/b.html": HTML, "more.zip": b"PK", "c.txt": b"\0"}.items():
            archive.writestr(name, data)
    data = buffer.getvalue()
    assert isolation.kind(data, "a.txt") is kind_of(data, "a.txt") is Kind.ZIP
    members = isolation.expand(data, "a.zip")
    assert members == expand(data, "a.zip")
    assert [len(member.data) for member in members] == [len(TEXT), 0, len(HTML), 0, 1]
    with pytest.raises(UserError, match="is a damaged ZIP"):
        isolation.expand(data[:-30], "a.zip")


def test_a_feed_is_the_one_that_reading_it_here_gives(isolation: Isolation) -> None:
    """Entries, their days and their text cross unchanged."""
    item = "<item><title>Ü {0}</title><guid>{0}</guid><description>It rose.</description><pubDate>{1}</pubDate></item>"
    items = item.format(1, "Mon, 06 May 2024 10:00:00 +0200") + item.format(2, "")
    data = f"<rss version='2.0'><channel><title>Mill</title><ttl>60</ttl>{items}</channel></rss>".encode()
    feed = isolation.feed(data, "https://example.org/feed")
    assert feed == parse(data, "https://example.org/feed")
    assert [entry.published for entry in feed.entries] == [datetime(2024, 5, 6, 8, tzinfo=UTC), None]
    with pytest.raises(UserError, match="none"):
        isolation.feed(b"It rose.", "https://example.org/none")


def test_eight_threads_take_turns(isolation: Isolation) -> None:
    """Jobs from eight threads at once each get their own answer."""
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: text_of(isolation, f"River {n} rose.".encode() * 99), range(80)))
    assert texts == [f"River {n} rose." * 99 for n in range(80)]


# Limits


def test_a_job_beyond_its_time_is_ended_and_the_next_is_served() -> None:
    """A file that takes too long is refused by name, with the limit and a remedy; its process is gone."""
    with Isolation(seconds=1, memory=8 * 1024 * MIB) as isolation:
        text_of(isolation)
        before = pid_of(isolation)
        assert message_of(isolation, LONG, "long.md") == (
            "“long.md” took longer than 1 s to read: save it as plain text, or split it into smaller files"
        )
        assert not is_there(before)
        assert text_of(isolation)


@needs_proc
@pytest.mark.parametrize("data", [LONG, bytes(300 * MIB)], ids=["its tree", "its very bytes"])
def test_a_job_beyond_its_memory_is_refused_and_the_next_is_served(data: bytes) -> None:
    """A file that needs more memory than the limit is refused by name, with the limit and a remedy."""
    with Isolation(memory=200 * MIB) as isolation:
        assert message_of(isolation, data, "large.md") == (
            "“large.md” needs more than 200 MiB of memory to be read: "
            "save it as plain text, or split it into smaller files"
        )
        assert text_of(isolation)


@needs_proc
@pytest.mark.parametrize(
    "deed",
    [
        "try:\n        bytearray(10**12)\n    except MemoryError:\n        raise UserError('damaged') from None",
        "data = bytearray(200 * 2**20 - worker._memory_used()[0] - 2**20)\n    del data",
    ],
    ids=["an error made of it", "a result in spite of it"],
)
def test_a_lack_of_memory_is_called_that_whatever_a_library_makes_of_it(tmp_path: Path, deed: str) -> None:
    """A library that hides a lack of memory does not pass for a damaged file, nor half a text for the whole."""
    script = f"""\
import sys
from index import worker
from index.errors import Said, UserError
original = worker._JOBS["read"]
def reading(job, data):
    {deed}
    return original(job, data)
worker._JOBS["read"] = reading
worker.main(*map(int, sys.argv[1:]))
"""
    with Started(tmp_path, script, memory=200 * MIB) as isolation:
        assert "“flood.txt” needs more than 200 MiB of memory to be read" in message_of(isolation)


@needs_proc
def test_the_process_may_write_no_file_and_open_few(isolation: Isolation) -> None:
    """Address space, files, their size, core dumps and processor time are limited, and privileges cannot be gained."""
    text_of(isolation)
    lines = Path(f"/proc/{pid_of(isolation)}/limits").read_text().splitlines()
    soft = {line[:26].strip(): line[26:].split()[0] for line in lines}
    assert soft["Max address space"] == str(512 * MIB)
    assert soft["Max file size"] == soft["Max core file size"] == soft["Max processes"] == "0"
    assert soft["Max open files"] == "64"
    assert 60 < int(soft["Max cpu time"]) < 100
    status = Path(f"/proc/{pid_of(isolation)}/status").read_text()
    assert "NoNewPrivs:\t1" in status


@needs_proc
def test_the_process_does_without_the_model(isolation: Isolation) -> None:
    """Reading loads neither PyTorch nor FAISS nor NumPy, which would take the memory that is for files."""
    text_of(isolation, HTML, "a.html")
    maps = Path(f"/proc/{pid_of(isolation)}/maps").read_text()
    assert "lxml" in maps
    assert not [name for name in ("torch", "faiss", "numpy", "openblas") if name in maps]


@needs_proc
def test_no_secret_reaches_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token and whatever else is in the environment stay out of the process that reads."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    with Isolation() as isolation:
        text_of(isolation)
        environment = Path(f"/proc/{pid_of(isolation)}/environ").read_bytes()
    assert b"very-secret" not in environment
    assert b"TOKEN" not in environment


def test_another_folder_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules in the folder that the program was started in are not taken for its own."""
    (tmp_path / "json.py").write_text("raise SystemExit('taken in')")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "__init__.py").write_text("raise SystemExit('taken in')")
    monkeypatch.chdir(tmp_path)
    with Isolation() as isolation:
        assert text_of(isolation)


# A process that breaks, or means ill


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        ("sys.exit(3)", "crashed its reader (exit code 3): it is damaged, or needs more than 512 MiB of memory;"),
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", "crashed its reader (SIGSEGV)", marks=needs_posix),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", "lost its reader, which was killed", marks=needs_posix),
        ("answers.write(b'x' * 100)", "expands to more than "),
        ("answers.write((2**32 - 1).to_bytes(4) + bytes(8))", "expands to more than "),
        ("answers.write(bytes(4) + (2**63).to_bytes(8))", "expands to more than "),
        ("answers.write((50).to_bytes(4) + bytes(8) + b'{}')", "crashed its reader (exit code 0)"),
        ("while True: answers.write(b'{' * 65536)", "expands to more than "),
        ("send(answers, {}, [b'bytes that nobody asked for'])", "expands to more than "),
    ],
)
def test_a_broken_answer_is_the_error_of_its_file_alone(tmp_path: Path, deed: str, expected: str) -> None:
    """Death, garbage, lengths beyond all bounds and floods end in an error that names the file and a remedy."""
    with Rogue(tmp_path, TAKE + deed) as isolation:
        for _ in range(2):  # with a fresh process each time
            message = message_of(isolation)
            assert message.startswith(f"“flood.txt” {expected}"), message
            assert message.endswith(" save it as plain text, or split it into smaller files")
            assert not is_there(pid_of(isolation))


REPLIES = [
    "{}",
    "[]",
    "5",
    "{'result': None}",
    "{'result': 'an article'}",
    "{'result': {}}",
    "{'result': ARTICLE | {'text': 5}}",
    "{'result': ARTICLE | {'text': None}}",
    "{'result': ARTICLE | {'published': 20240506}}",
    "{'result': ARTICLE | {'published': '2024-05-06T01:02:03'}}",
    "{'result': ARTICLE | {'title': '\\ud800'}}",
    "{'result': ARTICLE | {'states_title': 'yes'}}",
    "{'result': ARTICLE | {'pages': [0, 4, 2]}}",
    "{'result': ARTICLE | {'pages': [0, 9]}}",
    "{'result': ARTICLE | {'pages': [-1, 4]}}",
    "{'result': ARTICLE | {'pages': [float('nan')]}}",
    "{'result': ARTICLE, 'refused': 'both'}",
    "{'result': ARTICLE, 'command': 'rm'}",
    "{'result': ARTICLE, 'last': 'maybe'}",
    "{'refused': 'a text'}",
    "{'refused': {'template': '', 'values': {}}}",
    "{'refused': {'template': 'x' * 2_001, 'values': {}}}",
    "{'refused': {'template': '{a}' * 600, 'values': {'a': 'four'}}}",
    "{'refused': {'template': 'x'}}",
    "{'refused': {'template': 'x', 'values': {'a': 1}}}",
    "{'refused': {'template': '{a} {b}', 'values': {'a': 1}}}",
    "{'refused': {'template': '{a.__class__}', 'values': {'a': 1}}}",
    "{'refused': {'template': '{a!r}', 'values': {'a': 1}}}",
    "{'refused': {'template': '{a:>99999999}', 'values': {'a': 1}}}",
    "{'refused': {'template': '{a}', 'values': {'a': True}}}",
    "{'refused': {'template': '{a}', 'values': {'a': None}}}",
    "{'refused': {'template': '{a}', 'values': {'a': 10**13}}}",
    "{'refused': {'template': '{a}', 'values': {'a': -1e30}}}",
    "{'refused': {'template': '{a}', 'values': {'a': float('inf')}}}",
    "{'refused': {'template': '{a}', 'values': {'a': float('nan')}}}",
    "{'refused': {'template': '{a}', 'values': {'a': {'template': '{b}', 'values': {'b': ['x']}}}}}",
    "{'refused': NESTED}",
    "{'defect': 'Error: and a tale'}",
]


def test_the_agreed_form_is_believed(tmp_path: Path) -> None:
    """The answers that the next three tests spoil would be believed as they are."""
    with Rogue(tmp_path, answering("{'result': ARTICLE}")) as isolation:
        assert isolation.read(TEXT, "from/here", "a.txt", max_bytes=9) == Article("from/here", "A flood", "It rose.")
    with Rogue(tmp_path, answering("{'result': FEED}")) as isolation:
        assert len(isolation.feed(TEXT, "https://example.org/feed").entries) == 1
    with Rogue(tmp_path, answering("{'result': [{'name': 'a', 'size': 3, 'problem': None}]}", b"It.")) as isolation:
        assert isolation.expand(TEXT, "a.zip") == [Member("a", b"It.", None)]


@pytest.mark.parametrize("reply", REPLIES)
def test_only_the_agreed_form_is_believed(tmp_path: Path, reply: str) -> None:
    """What is not a result of the right fields, types and bounds is nonsense, and its process ends."""
    with Rogue(tmp_path, answering(reply)) as isolation:
        assert message_of(isolation).startswith("“flood.txt” made its reader answer nonsense: it may be damaged; ")
        assert not is_there(pid_of(isolation))


@pytest.mark.parametrize(
    "members",
    [
        "[]",
        "[{'name': 'a', 'size': 2, 'problem': None}]",
        "[{'name': 'a', 'size': 4, 'problem': None}]",
        "[{'name': 'a', 'size': 4, 'problem': None}, {'name': 'b', 'size': -1, 'problem': None}]",
        "[{'name': 'a', 'size': 3}]",
        "[{'name': 5, 'size': 3, 'problem': None}]",
        "{'name': 'a', 'size': 3, 'problem': None}",
    ],
)
def test_members_are_as_long_as_the_bytes_that_come_with_them(tmp_path: Path, members: str) -> None:
    """No member can be given bytes of another's, or none of its own."""
    with (
        Rogue(tmp_path, answering(f"{{'result': {members}}}", b"It.")) as isolation,
        pytest.raises(UserError, match="made its reader answer nonsense: it may be damaged; unpack it"),
    ):
        isolation.expand(b"PK", "a.zip")


@pytest.mark.parametrize(
    "feed",
    [
        "FEED | {'ttl': float('nan')}",
        "FEED | {'ttl': 1e300}",
        "FEED | {'ttl': '3600'}",
        "FEED | {'entries': [ENTRY] * 201}",
        "FEED | {'entries': [ENTRY | {'published': '2024-05-06T01:02:03'}]}",
        "FEED | {'entries': [ENTRY | {'updated': 0}]}",
        "FEED | {'entries': [ENTRY | {'html': None}]}",
        "FEED | {'entries': None}",
    ],
)
def test_a_feed_keeps_to_its_bounds(tmp_path: Path, feed: str) -> None:
    """A feed's days are aware, its pause is finite, and its entries are not too many, whoever says so."""
    with (
        Rogue(tmp_path, answering(f"{{'result': {feed}}}")) as isolation,
        pytest.raises(UserError, match="feed” made its reader answer nonsense"),
    ):
        isolation.feed(TEXT, "https://example.org/feed")


@pytest.mark.parametrize("head", [b"\xff", b"{", b"[" * 100_000, b'{"result": 1' + b"0" * 9_000 + b"}", b""])
def test_what_is_no_json_is_not_believed(tmp_path: Path, head: bytes) -> None:
    """Bytes that are no JSON, endless nesting and endless numbers are nonsense."""
    deed = f"head = {head[:20]!r} + {head[20:40]!r} * {max(0, len(head) - 20) // 20}\n"
    deed += "answers.write(len(head).to_bytes(4) + bytes(8) + head)\nreceive(jobs, 99, 99)"
    with Rogue(tmp_path, TAKE + deed) as isolation:
        assert "made its reader answer nonsense" in message_of(isolation)


def test_a_refusal_keeps_what_its_translation_takes(tmp_path: Path) -> None:
    """What the process refuses comes through with its template and its values, those within values too."""
    reason = Said("its part {name} is missing", name="{file}")
    said = Said("{file} cannot be read: {reason} {size} {number}", file="“a”", reason=reason, size=2.5, number=1_000)
    assert said == "“a” cannot be read: its part {file} is missing 2.5 1,000"
    deed = answering(f"{{'refused': {_spelled(said)!r}}}")
    with Rogue(tmp_path, deed) as isolation, pytest.raises(UserError) as caught:
        isolation.kind(b"PK", "a.zip")
    told = caught.value.said
    assert (told, told.template, told.values) == (said, said.template, said.values)
    inner = told.values["reason"]
    assert isinstance(inner, Said) and (inner.template, inner.values) == (reason.template, reason.values)


def test_real_refusals_keep_what_their_translation_takes(isolation: Isolation) -> None:
    """A reader's refusal, and what is wrong with a member of an archive, are words that can be translated."""
    with pytest.raises(UserError) as caught:
        isolation.read(b"\x89PNG\r\n\x1a\n", "a.txt", "a.txt", max_bytes=MIB)
    assert caught.value.said.values == {"file": "“a.txt”", "format": "PNG"}
    package = BytesIO()
    with ZipFile(package, "w") as archive:
        archive.writestr("a.txt", TEXT)
        archive.writestr("b.zip", b"")
    _, nested = isolation.expand(package.getvalue(), "a.zip")
    assert nested.problem is not None and nested.problem.values == {"file": "“b.zip”"}


def test_a_defect_is_named_and_costs_no_process(tmp_path: Path) -> None:
    """An unexpected exception's name reaches the user; what it says does not."""
    with Rogue(tmp_path, f"while True:\n {TAKE} send(answers, {{'defect': 'KeyError'}})") as isolation:
        first = message_of(isolation)
        pid = pid_of(isolation)
        assert first.startswith("“flood.txt” could not be read (KeyError): it may be damaged; save it as plain text")
        assert message_of(isolation) == first
        assert pid_of(isolation) == pid


@pytest.mark.parametrize(
    "deed", ["time.sleep(99)", TAKE + "time.sleep(99)", TAKE + "answers.write(b'0')\ntime.sleep(99)"]
)
def test_silence_ends_at_the_time_limit(tmp_path: Path, deed: str) -> None:
    """A process that takes no job, or answers not at all or in part, is ended; a full pipe holds up nobody."""
    with Rogue(tmp_path, deed, seconds=0.5) as isolation:
        assert "took longer than 0.5 s to read" in message_of(isolation, TEXT * 100_000)
        assert not is_there(pid_of(isolation))


@needs_posix
def test_a_process_that_left_another_behind_holds_up_nobody(tmp_path: Path) -> None:
    """Even with its pipes in the hands of a process out of reach, a job ends at its time limit."""
    note = tmp_path / "pid"
    deed = f"""
if os.fork() == 0:
    os.setsid()
    open({str(note)!r}, "w").write(str(os.getpid()))
    os.rename({str(note)!r}, {str(note)!r} + "s")
    time.sleep(60)
time.sleep(60)
"""
    with Rogue(tmp_path, deed, seconds=0.5) as isolation:
        assert "took longer than 0.5 s to read" in message_of(isolation, TEXT * 100_000)
        assert eventually((tmp_path / "pids").exists)
        os.kill(int((tmp_path / "pids").read_text()), signal.SIGKILL)


@needs_posix
def test_a_process_takes_its_children_with_it(tmp_path: Path) -> None:
    """What the process may have started ends with it."""
    note = tmp_path / "pid"
    deed = f"child = os.fork()\nif child: open({str(note)!r}, 'w').write(str(child))\ntime.sleep(60)"
    with Rogue(tmp_path, deed, seconds=1) as isolation:
        message_of(isolation)
        assert eventually(lambda: not is_there(int(note.read_text())))


def test_prints_of_libraries_do_not_reach_the_pipes(tmp_path: Path) -> None:
    """Whatever a library prints, and by whatever way, the answers stay whole; from stdin it reads nothing."""
    script = """\
        import os, sys
        from index import worker
        original = worker._JOBS["read"]
        def reading(job, data):
            print("a warning", flush=True)
            os.write(1, b"another")
            print("a third", file=sys.stderr)
            os.system("echo a fourth")
            assert os.read(0, 100) == b""
            return original(job, data)
        worker._JOBS["read"] = reading
        worker.main(*map(int, sys.argv[1:]))
        """
    with Started(tmp_path, script) as isolation:
        assert text_of(isolation) == text_of(isolation) == read(TEXT, "source", "flood.txt").text


def test_a_process_that_does_not_start_is_no_fault_of_the_file(tmp_path: Path) -> None:
    """Where the program itself is broken the message says so, and blames no file."""
    with Started(tmp_path, "raise SystemExit(5)") as isolation:
        message = message_of(isolation)
    assert message.startswith("The process that reads files did not start (exit code 5)")
    assert "flood" not in message


@needs_proc
def test_too_little_memory_to_start_with_is_no_fault_of_the_file_either() -> None:
    """A limit that leaves nothing for the readers themselves is told apart from a file that needs too much."""
    with Isolation(memory=MIB) as isolation:
        assert message_of(isolation).startswith("The process that reads files did not start (out of memory)")


def test_a_process_that_is_never_ready_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting has a time limit of its own."""
    monkeypatch.setattr(module, "_START_SECONDS", 0.5)
    with Started(tmp_path, "import time\ntime.sleep(60)") as isolation:
        assert message_of(isolation).startswith("The process that reads files did not start (within 0.5 s)")


# One process after another


@needs_posix
def test_a_killed_process_is_replaced(isolation: Isolation) -> None:
    """A process killed between two jobs costs neither of them."""
    text_of(isolation)
    before = pid_of(isolation)
    os.kill(before, signal.SIGKILL)
    assert isolation._process is not None
    isolation._process._process.wait()
    assert text_of(isolation)
    assert pid_of(isolation) != before


def test_a_process_that_kept_much_memory_or_served_long_is_replaced_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaks end with their process: after a job that left it large, and after so many jobs."""
    script = """\
        import sys
        from index import worker
        original = worker._JOBS["read"]
        kept = []
        def reading(job, data):
            kept.append(b"x" * (job["name"] == "leak.txt") * 120 * 2**20)
            return original(job, data)
        worker._JOBS["read"] = reading
        worker.main(*map(int, sys.argv[1:]))
        """
    monkeypatch.setattr(module, "_MOST_JOBS", 4)
    with Started(tmp_path, script, memory=200 * MIB) as isolation:
        pids = []
        for name in ("a.txt", "leak.txt", *["b.txt"] * 5):
            assert text_of(isolation, TEXT, name)
            pids.append(pid_of(isolation))
    assert pids[0] == pids[1] != pids[2] == pids[5] != pids[6]


def test_an_idle_process_ends_and_the_next_job_starts_another() -> None:
    """Nobody's job needs a process, and it is reaped, too."""
    with Isolation(idle=0.3) as isolation:
        text_of(isolation)
        before = pid_of(isolation)
        assert eventually(lambda: not is_there(before))
        assert text_of(isolation)
        assert pid_of(isolation) != before


def test_closing_gives_up_the_job_in_progress_and_refuses_later_ones() -> None:
    """Whoever closes waits for no file; both threads are told to index it again, and closing twice is fine."""
    isolation = Isolation(memory=8 * 1024 * MIB)
    text_of(isolation)
    pid = pid_of(isolation)
    messages: list[str] = []
    thread = threading.Thread(target=lambda: messages.append(message_of(isolation, LONG, "long.md")))
    thread.start()
    assert eventually(isolation._turn.locked)
    isolation.close()
    thread.join()
    isolation.close()
    assert not is_there(pid)
    assert [*messages, message_of(isolation)] == [
        "“long.md” was not read, because the program is stopping: index it again",
        "“flood.txt” was not read, because the program is stopping: index it again",
    ]


def test_one_that_was_never_used_closes() -> None:
    """Nothing is started before the first job, and closing needs none."""
    isolation = Isolation()
    assert isolation._process is None
    isolation.close()


@needs_posix
@pytest.mark.parametrize("busy", [False, True])
def test_the_process_ends_with_the_one_that_started_it(busy: bool) -> None:
    """kill -9 of the program leaves no reader behind, not even one at work."""
    script = f"""
from index.isolation import Isolation
isolation = Isolation(memory=2**33, idle=600)
isolation.read(b"It rose.", "source", "a.txt", max_bytes=10**8)
print(isolation._process.pid, flush=True)
if {busy}:
    isolation.read(b"*a* " * 2_000_000, "source", "a.md", max_bytes=10**8)
input()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.5 * busy)
        assert is_there(pid)
        parent.kill()
    assert eventually(lambda: not is_there(pid))


@needs_posix
def test_a_process_that_can_hear_nobody_ends_by_its_processor_time(tmp_path: Path) -> None:
    """A library that lets no other thread run notices no program's end, but the system notices the library."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import re, sys\nfrom index import worker\n"
        "worker._JOBS['read'] = lambda *_: re.match('(a+)+$', 'a' * 60 + 'b')\n"
        "worker.main(*map(int, sys.argv[1:]))\n"
    )
    script = f"""
import sys, threading, time
from index.isolation import Isolation
class Deaf(Isolation):
    def _command(self):
        return [sys.executable, {str(worker)!r}, str(2**29), "1"]
isolation = Deaf()
threading.Thread(target=lambda: isolation.read(b"It rose.", "source", "a.txt", max_bytes=99)).start()
while isolation._process is None or not isolation._process.asked:
    time.sleep(0.01)
print(isolation._process.pid, flush=True)
"""
    program = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        time.sleep(0.5)
        assert is_there(pid)
        program.kill()
    assert eventually(lambda: not is_there(pid))


@needs_posix
def test_an_interrupt_ends_the_job_and_not_the_isolation() -> None:
    """Ctrl-C in the midst of a job ends it at once, its process too, and a later job is served."""
    script = """
import signal
from index.isolation import Isolation
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
isolation = Isolation(memory=2**33)
def read(name, data):
    return isolation.read(data, "source", name, max_bytes=10**8).text
read("a.txt", b"ready")
before = isolation._process
print(before.pid, flush=True)
try:
    read("a.md", b"*a* " * 2_000_000)
except KeyboardInterrupt:
    print(before.alive, read("a.txt", b"It rose."), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline()
        time.sleep(0.5)
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == "False It rose.\n"


@needs_posix
def test_an_interrupt_of_the_terminal_is_for_the_program_to_decide_on(isolation: Isolation) -> None:
    """Ctrl-C does not reach the process, which is in a session of its own."""
    text_of(isolation)
    assert os.getsid(pid_of(isolation)) == pid_of(isolation) != os.getsid(0)


def test_feeds_are_looked_for_in_the_process(isolation: Isolation) -> None:
    """Whether something is a feed, which feeds a page names, and an entry's words are found out there, as in here."""
    page = b'<html><head><link rel=alternate type="application/rss+xml" href="/feed"></head><body>Owls.</body></html>'
    rss = b'<?xml version="1.0"?><rss version="2.0"><channel><title>Owls</title></channel></rss>'
    inside, url = InProcess(), "https://owls.example/"
    for data in (page, rss):
        assert isolation.is_feed(data, "text/html", url) == inside.is_feed(data, "text/html", url) == (data is rss)
    assert isolation.discover(page, url) == inside.discover(page, url) == ["https://owls.example/feed"]
    html = "<ul><li>One</li><li>Two <b>owls</b></li></ul>"
    assert isolation.words(html, url) == inside.words(html, url) != ""
