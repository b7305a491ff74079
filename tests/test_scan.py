"""Scanning: targets to files, what they answer for, and reading a file's bytes without ever waiting."""

import fnmatch
import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.errors import UserError
from index.readers import read
from index.scan import Scan, _compiled, read_bytes, scan

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Text of {name}.")


def names(result: Scan, root: Path) -> list[str]:
    return [file.path.relative_to(root).as_posix() for file in result.files]


def covers(result: Scan, path: Path) -> bool:
    return any(scope.covers(path.as_posix()) for scope in result.scopes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "articles"
    make(
        root,
        "b.md",
        "a.txt",
        "sub/c.HTML",
        "sub/deep/d.markdown",
        "z.png",
        ".hidden.md",
        ".obsidian/x.md",
        "sub/.git/y.txt",
    )
    return root


def test_a_folder_gives_its_supported_files_sorted_at_any_depth(folder: Path) -> None:
    """Hidden files, hidden folders and other suffixes are left out."""
    result = scan([str(folder)])
    assert names(result, folder) == ["a.txt", "b.md", "sub/c.HTML", "sub/deep/d.markdown"]
    assert [file.source for file in result.files] == [file.path.as_posix() for file in result.files]
    assert all(file.path.is_absolute() for file in result.files) and not result.problems


def test_files_come_once_in_the_order_of_their_targets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, repeated and overlapping targets name each file once."""
    monkeypatch.chdir(folder)
    result = scan(["sub/c.HTML", ".", "./b.md", str(folder / "sub" / ".." / "a.txt"), "**/*.md"])
    assert names(result, folder) == ["sub/c.HTML", "a.txt", "b.md", "sub/deep/d.markdown"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.md", ["b.md"]),
        ("?.txt", ["a.txt"]),
        ("[ab].*", ["a.txt", "b.md"]),
        ("[!a].*", ["b.md"]),
        ("**/*.markdown", ["sub/deep/d.markdown"]),
        ("**", ["a.txt", "b.md", "sub/c.HTML", "sub/deep/d.markdown"]),
        ("**/d*", ["sub/deep/d.markdown"]),
        ("*/c.*", ["sub/c.HTML"]),
        ("s*", ["sub/c.HTML", "sub/deep/d.markdown"]),
        ("*/deep", ["sub/deep/d.markdown"]),
        ("sub/**/*.markdown", ["sub/deep/d.markdown"]),
    ],
)
def test_patterns_match_as_in_a_shell(folder: Path, pattern: str, expected: list[str]) -> None:
    """`*` stays within a name, `**` crosses folders, and a folder that matches stands for all it holds."""
    result = scan([str(folder / pattern)])
    assert names(result, folder) == expected and not result.problems
    assert all(covers(result, folder / name) for name in expected)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[z-a].*", []),
        ("[!z-a].*", ["a.txt", "b.md"]),
        ("[z-ab].*", ["b.md"]),
        ("[a-b].*", ["a.txt", "b.md"]),
        ("[!]", []),
        ("[]", []),
        ("[", []),
        ("[!", []),
        ("[a--b].*", ["b.md"]),
        (r"[\\-a].*", ["a.txt"]),
        ("[]-a].*", ["a.txt"]),
        ("[[-a].*", ["a.txt"]),
        ("[^a].*", ["a.txt"]),
        ("[a&&b~~||].*", ["a.txt", "b.md"]),
    ],
)
def test_no_pattern_costs_the_other_targets(folder: Path, pattern: str, expected: list[str]) -> None:
    """A range that runs backwards holds nothing, brackets that do not pair are themselves, and all else is found."""
    result = scan([str(folder / pattern), str(folder / "sub" / "c.HTML")])
    assert names(result, folder) == [*expected, "sub/c.HTML"]
    assert [target for target, _ in result.problems] == ([] if expected else [str(folder / pattern)])


def test_sets_match_as_in_the_standard_library(folder: Path) -> None:
    """Whatever stands between brackets, of one character each they match what `fnmatch` matches."""
    members = ["".join(some) for n in (1, 2, 3, 4) for some in itertools.product("-^]a\\", repeat=n)]
    for pattern in (f"[{negation}{member}]" for negation in ("", "!") for member in members):
        compiled = _compiled([pattern])
        for name in "!-^]a\\b[":
            assert bool(compiled.match(name)) is fnmatch.fnmatchcase(name, pattern), (pattern, name)


@posix
def test_a_deleted_working_folder_is_a_problem_of_relative_targets(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the working folder is gone, a relative file or pattern says so, and absolute ones are found."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = scan(["a.txt", "*.md", str(folder / "b.md")])
    assert names(result, folder) == ["b.md"]
    assert [target for target, message in result.problems if "has been deleted" in message] == ["a.txt", "*.md"]


def test_an_existing_path_wins_over_the_pattern_it_looks_like(folder: Path) -> None:
    """A file called [draft] is that file."""
    make(folder, "[ab].md", "a.md", "notes [x]/n.txt")
    assert names(scan([str(folder / "[ab].md")]), folder) == ["[ab].md"]
    assert names(scan([str(folder / "notes [x]")]), folder) == ["notes [x]/n.txt"]


def test_what_does_not_exist_is_a_problem_and_stops_nothing(folder: Path) -> None:
    """Missing files and folders and patterns without a match each say so; the rest is found."""
    targets = [str(folder / name) for name in ("no.txt", "none/", "*.nope", "none/*.md", "b.md", "a\0.txt")]
    result = scan(targets)
    assert names(result, folder) == ["b.md"]
    assert [target for target, _ in result.problems] == [*targets[:4], targets[5]]
    messages = [message for _, message in result.problems]
    assert "does not exist" in messages[0] and "does not exist" in messages[1] and "holds no articles" in messages[2]
    assert "no folder" in messages[3]


def test_a_file_that_is_named_may_have_any_name(folder: Path) -> None:
    """A file named as a target is found whatever its suffix, and is then none of those that were passed over."""
    make(folder, "README", "notes.log")
    result = scan([str(folder / "README"), str(folder)])
    assert names(result, folder)[0] == "README" and not result.problems
    assert result.skipped == {".png": 1, ".log": 1}


def test_files_of_other_kinds_are_counted_once(folder: Path) -> None:
    """Of what a folder or pattern leaves out, each file is counted once, by its suffix; hidden ones are not."""
    make(folder, "sub/y.PNG", "sub/list", ".hidden.png")
    assert scan([str(folder), str(folder / "sub")]).skipped == {".png": 2, "": 1}
    assert scan([str(folder / "*.md")]).skipped == {}


def test_a_folder_that_does_not_exist_covers_nothing(folder: Path) -> None:
    """An unmounted disk never empties the index."""
    assert not scan([str(folder / "none"), str(folder / "none" / "*.md")]).scopes


def test_a_folder_covers_what_vanished_from_it_and_nothing_else(folder: Path) -> None:
    """What a scan would not have found anyway is not called vanished."""
    result = scan([str(folder)])
    assert covers(result, folder / "gone.md") and covers(result, folder / "gone" / "deep.txt")
    for other in ("articles2/a.md", "x.md", "articles/.hidden.md", "articles/.obsidian/x.md", "articles/z.png"):
        assert not covers(result, folder.parent / other)
    assert not any(
        scope.covers(source) for scope in result.scopes for source in ("https://example.org/a.md", "discord:1/a.md")
    )


def test_an_emptied_folder_covers_its_articles_and_says_so(folder: Path, tmp_path: Path) -> None:
    """The folder is there, so its files are known to be gone."""
    empty = tmp_path / "empty"
    empty.mkdir()
    result = scan([str(empty)])
    assert covers(result, empty / "gone.md") and "holds no articles" in result.problems[0][1]


def test_a_pattern_covers_only_what_it_matches(folder: Path) -> None:
    """A vanished file of another pattern, depth or folder stays."""
    result = scan([str(folder / "*.md")])
    assert covers(result, folder / "gone.md")
    assert not covers(result, folder / "gone.txt") and not covers(result, folder / "sub" / "gone.md")
    assert covers(scan([str(folder / "**" / "*.md")]), folder / "sub" / "gone.md")


def test_a_single_file_covers_nothing(folder: Path) -> None:
    """Naming one file says nothing about its neighbours."""
    assert not scan([str(folder / "a.txt")]).scopes


@posix
def test_links_on_the_way_are_not_followed_and_loops_do_not_hang(folder: Path, tmp_path: Path) -> None:
    """A link out of the folder is reported, one within it adds nothing, and neither makes articles vanish."""
    make(tmp_path, "outside/o.md", "outside.txt")
    (folder / "loop").symlink_to(folder)
    (folder / "self.md").symlink_to(folder / "self.md")
    (folder / "inner.md").symlink_to(folder / "b.md")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "out.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "broken.md").symlink_to(tmp_path / "nowhere.md")
    for target in (folder, folder / "**"):
        result = scan([str(target)])
        assert names(result, folder) == ["a.txt", "b.md", "sub/c.HTML", "sub/deep/d.markdown"]
        assert sorted(path for path, _ in result.problems) == [str(folder / "out"), str(folder / "out.txt")]
        assert all("link out of the folder" in message for _, message in result.problems)
        for seen_elsewhere in ("out/o.md", "out.txt", "inner.md", "loop/a.txt"):
            assert not covers(result, folder / seen_elsewhere)
        assert covers(result, folder / "gone.md")


@posix
def test_a_link_that_is_a_target_is_followed(folder: Path, tmp_path: Path) -> None:
    """Whoever names a link means what it leads to; the identity is the name given."""
    (tmp_path / "here").symlink_to(folder)
    (tmp_path / "one.txt").symlink_to(folder / "a.txt")
    result = scan([str(tmp_path / "one.txt"), str(tmp_path / "here")])
    assert names(result, tmp_path)[:2] == ["one.txt", "here/a.txt"]
    assert read_bytes(result.files[0].path) == b"Text of a.txt."


@pytest.fixture
def shut_folder() -> Iterator[Path]:
    """A folder with a subfolder that this process may not list, also where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        make(root, "a.md", "shut/b.md", "open/c.md")
        (root / "secret.md").write_text("x")
        (root / "secret.md").chmod(0)
        root.chmod(0o755)
        (root / "shut").chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield root
        finally:
            if user == 0:
                os.seteuid(0)
            (root / "shut").chmod(0o755)


@posix
def test_a_folder_that_cannot_be_listed_is_a_problem_and_its_articles_have_not_vanished(shut_folder: Path) -> None:
    """The rest is found, and nothing below the shut folder is called gone."""
    result = scan([str(shut_folder)])
    assert names(result, shut_folder) == ["a.md", "open/c.md", "secret.md"]
    assert [path for path, _ in result.problems] == [str(shut_folder / "shut")]
    assert "may not be read" in result.problems[0][1]
    assert covers(result, shut_folder / "gone.md") and not covers(result, shut_folder / "shut" / "b.md")
    alone = scan([str(shut_folder / "shut")])
    assert alone.problems and not alone.files and not covers(alone, shut_folder / "shut" / "b.md")
    with pytest.raises(UserError, match=r"“secret\.md” may not be read"):
        read_bytes(shut_folder / "secret.md")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_is_a_problem(folder: Path) -> None:
    """It could neither be stored nor shown; the other files are found."""
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.md")).write_text("x")
    result = scan([str(folder)])
    assert len(result.files) == 4 and "rename" in result.problems[0][1]
    assert all(part.encode() for problem in result.problems for part in problem)


@posix
def test_pipes_are_never_waited_for(folder: Path) -> None:
    """A pipe among the articles is passed over; named itself, it is an error at once."""
    os.mkfifo(folder / "pipe.txt")
    assert "pipe.txt" not in names(scan([str(folder)]), folder)
    assert "not a regular file" in scan([str(folder / "pipe.txt")]).problems[0][1]
    for path in (folder / "pipe.txt", Path("/dev/zero")):
        with pytest.raises(UserError, match="pipe, socket or device"):
            read_bytes(path)


def test_read_bytes_says_what_is_wrong_and_what_to_do(folder: Path) -> None:
    """Missing files, folders and files that are too large name themselves and the remedy."""
    assert read_bytes(folder / "a.txt") == b"Text of a.txt."
    for path, message in (
        (folder / "no.txt", "“no.txt” does not exist: check"),
        (folder / "a.txt" / "b", "does not exist"),
        (folder / "sub", "is a folder"),
        (Path(f"{folder}/nul\0.txt"), "could not be read"),
        (folder / ("x" * 300), "could not be read"),
    ):
        with pytest.raises(UserError, match=message):
            read_bytes(path)
    (folder / "big.txt").write_bytes(b"a" * 1001)
    assert len(read_bytes(folder / "big.txt", 1001)) == 1001
    with pytest.raises(UserError, match=r"1,001 bytes; the limit is 1,000 bytes: split it"):
        read_bytes(folder / "big.txt", 1000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file whose size the system states as 0")
def test_a_file_that_is_larger_than_stated_is_still_refused() -> None:
    """The size is checked while reading too."""
    with pytest.raises(UserError, match="too large"):
        read_bytes(Path("/proc/self/status"), 10)


def test_a_bad_file_never_stops_the_others(folder: Path) -> None:
    """Of a folder with every kind of broken file, all sound ones are read, and each broken one has its message."""
    bad = {"empty.txt": b"", "image.txt": b"\x89PNG\r\n\x1a\n\0", "paper.md": b"%PDF-1.7", "deep.html": b"<div>" * 9000}
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (folder / "big.txt").write_bytes(b"word " * 10_000)
    articles, errors = [], {}
    for file in scan([str(folder)]).files:
        try:
            articles.append(read(read_bytes(file.path, 45_001), file.source, file.path.name))
        except UserError as error:
            errors[file.path.name] = str(error)
    assert [Path(article.source).name for article in articles] == ["a.txt", "b.md", "c.HTML", "d.markdown"]
    assert errors.keys() == {*bad, "big.txt"} and all(f"“{name}”" in message for name, message in errors.items())


def test_files_passed_over_are_named_by_kind():
    """Files of other kinds are counted by their suffix, the commonest first, the first five kinds by name."""

    def note(**kinds):
        return Scan((), (), (), Counter(kinds)).note

    assert note() is None
    assert note(py=1) == "1 file of another kind was skipped (py 1)"
    assert Scan((), (), (), Counter({".a": 1, ".b": 2, "": 1_500, ".c": 1, ".d": 1, ".e": 1})).note == (
        "1,506 files of other kinds were skipped (without a suffix 1,500, .b 2, .a 1, .c 1, .d 1, …)"
    )
