"""What config.toml may say, what is said about a wrong one, and where the token comes from."""

import inspect
import os
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest

import config
from index.encoders import DEFAULT_RUNTIME, Runtime
from index.errors import UserError
from index.isolation import Isolation
from index.models import DEFAULT_MODEL

EXAMPLE = Path(config.__file__).with_name("config.example.toml")
# Their default is not to be there.
ABSENT = (
    *(("shared_with",), ("model", "languages"), ("ranking", "weights"), ("reranker", "model")),
    ("discord", "log_channel"),
)
# Of a token's form, and nobody's.
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as error:
        config.load(written(folder, text))
    assert error.value.__cause__ is None  # pydantic's own error repeats the values
    return str(error.value)


def keys() -> list[tuple[str, ...]]:
    return [(*table, key) for table, names in config._tables().items() for key in names]


def test_without_a_file_there_are_defaults(tmp_path):
    """Without a configuration file everything has a default, and paths count from the program's folder."""
    loaded = config.load(home=tmp_path)
    assert (loaded.data, loaded.articles) == (tmp_path / "data", tmp_path / "articles")
    assert loaded.model.name == DEFAULT_MODEL == config.DEFAULT_MODEL
    assert loaded.model.runtime == DEFAULT_RUNTIME
    assert config.Runtime == Runtime
    assert loaded.answers.hits == 3
    assert (loaded.limits.max_file_mb, loaded.limits.max_sentences) == (10, 200_000)
    assert loaded.shared_with is None
    assert loaded.discord.manager_roles == frozenset()
    assert loaded.log == config.Log(level="info", format="text", questions=False)


def test_the_example_equals_the_defaults(tmp_path):
    """config.example.toml loads as it stands and says what is so without it."""
    copy = written(tmp_path, EXAMPLE.read_text(encoding="utf-8"))
    assert config.load(copy) == config.load(home=tmp_path / "other").model_copy(
        update={"data": tmp_path / "data", "articles": tmp_path / "articles"}
    )


@pytest.mark.parametrize("key", keys(), ids=".".join)
def test_the_example_documents_every_key(key):
    """Every key stands in config.example.toml, in its table, under a comment, with its default where it has one."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert re.search(rf"^(# )?{re.escape(key[-1])} = |^\[{re.escape(key[-1])}\]$", text, re.MULTILINE)
    value = tomllib.loads(text)
    for part in key:
        if key in ABSENT:
            assert f"\n# {key[-1]} = " in text
            return
        value = value[part]


def test_a_file_beside_the_program_is_read(tmp_path):
    """config.toml beside the program is read without being named."""
    written(tmp_path, "[answers]\nhits = 5\n")
    assert config.load(home=tmp_path).answers.hits == 5


def test_rerankers_and_weights_beside_the_file(tmp_path):
    """A reranker's folder and a file of weights count from the file's folder; a name that is no folder stays a name."""
    (tmp_path / "cross").mkdir()
    loaded = config.load(written(tmp_path, "[reranker]\nmodel = 'cross'\n[ranking]\nweights = 'own.json'\n"))
    assert loaded.reranker == config.Reranker(model=str(tmp_path / "cross"))
    assert loaded.ranking.weights == tmp_path / "own.json"
    assert config.load(written(tmp_path, "[reranker]\nmodel = 'some/name'\n")).reranker.model == "some/name"
    assert "reranker.candidates = 41 is not allowed" in complaint(tmp_path, "[reranker]\ncandidates = 41\n")


def test_paths_count_from_the_file(tmp_path):
    """Relative paths count from the configuration file's folder, and absolute ones stay."""
    file = written(tmp_path, f"data = '../elsewhere'\narticles = '{(tmp_path / 'abc').as_posix()}'\n")
    loaded = config.load(file, home=Path("unused"))
    assert loaded.data.resolve() == tmp_path.parent / "elsewhere"
    assert loaded.articles == tmp_path / "abc"


@pytest.mark.parametrize("limit", [1, 10_000_000])
def test_the_limit_of_sentences_may_be_any_in_its_range(tmp_path, limit):
    """`limits.max_sentences` is what the file says, from 1 to 10,000,000."""
    assert config.load(written(tmp_path, f"[limits]\nmax_sentences = {limit}\n")).limits.max_sentences == limit


def test_a_home_folder_that_is_not_there_is_left_as_it_is_written(tmp_path):
    """`~` is the home folder, and `~name` of an unknown name is a folder's name, as in a shell."""
    loaded = config.load(written(tmp_path, "data = '~/x'\narticles = '~nosuch-user/x'\n"))
    assert (loaded.data, loaded.articles) == (Path.home() / "x", tmp_path / "~nosuch-user" / "x")


def test_a_model_in_a_folder_beside_the_file_is_found(tmp_path):
    """A model's name that is a folder beside the configuration file means that folder; any other name stays."""
    (tmp_path / "my-model").mkdir()
    assert config.load(written(tmp_path, "[model]\nname = 'my-model'")).model.name == str(tmp_path / "my-model")
    assert config.load(written(tmp_path, "[model]\nname = 'org/other'")).model.name == "org/other"


def test_ids_are_whole_numbers(tmp_path):
    """Servers and roles are given as lists of whole numbers; an empty list shares with no server."""
    text = "shared_with = []\n[discord]\nmanager_roles = [1, 18446744073709551615]\nlog_channel = 7"
    loaded = config.load(written(tmp_path, text))
    assert loaded.shared_with == frozenset()
    assert loaded.discord.manager_roles == {1, 2**64 - 1}
    assert loaded.discord.log_channel == 7


def test_networks_and_hours(tmp_path):
    """Networks are of either kind, a plain address is a network of one, and hours may be parts of one, or none."""
    text = (
        "[fetch]\nallowed_networks = ['192.168.1.0/24', 'fd00::/64', '10.0.0.7']\ncontact = 'https://example.org/bot'\n"
    )
    loaded = config.load(written(tmp_path, text + "[refresh]\npages_hours = 0.5\nfeeds_hours = 0\n"))
    assert loaded.fetch.allowed_networks == set(map(ip_network, ("192.168.1.0/24", "fd00::/64", "10.0.0.7/32")))
    assert (loaded.refresh.pages_hours, loaded.refresh.feeds_hours, loaded.refresh.folders_hours) == (0.5, 0, 24)


def test_the_reader_has_its_own_defaults(tmp_path):
    """What the configuration says of the reading process without a file is what that process says itself."""
    defaults = inspect.signature(Isolation).parameters
    limits = config.load(home=tmp_path).limits
    assert limits.reader_mb * 1024 * 1024 == defaults["memory"].default
    assert limits.reader_seconds == defaults["seconds"].default


def test_a_named_file_must_exist(tmp_path):
    """A configuration file that is named and missing is an error, not a reason for defaults."""
    with pytest.raises(UserError, match=r"no configuration file .*nosuch\.toml"):
        config.load(tmp_path / "nosuch.toml")


def test_broken_toml_names_the_place(tmp_path):
    """A syntax error names the file and the line."""
    message = complaint(tmp_path, "data = 'a'\nhits = = 3\n")
    assert "config.toml is not valid TOML" in message
    assert "line 2" in message


def test_a_file_in_another_encoding_is_an_error(tmp_path):
    """A file that is not UTF-8 is an error that says so; a byte order mark is none."""
    (tmp_path / "config.toml").write_bytes("data = 'ü'".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        config.load(home=tmp_path)
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfdata = 'a'")
    assert config.load(home=tmp_path).data == tmp_path / "a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[answers]\nhits = 11", "answers.hits = 11 is not allowed; it must be a whole number from 1 to 10."),
        ("[answers]\nhits = '3'", 'answers.hits = "3" is not allowed; it must be a whole number'),
        ("[answers]\nhits = true", "answers.hits = true is not allowed"),
        (
            "[limits]\nmax_file_mb = 0",
            "limits.max_file_mb = 0 is not allowed; it must be a whole number from 1 to 1024",
        ),
        (
            "[limits]\nmax_sentences = 0",
            "limits.max_sentences = 0 is not allowed; it must be a whole number from 1 to 10000000.",
        ),
        ("[limits]\nmax_sentences = 10000001", "limits.max_sentences = 10000001 is not allowed"),
        ("[limits]\nmax_sentences = 2.5", "limits.max_sentences = 2.5 is not allowed"),
        (
            "[log]\nlevel = 'loud'",
            'log.level = "loud" is not allowed; it must be "debug", "info", "warning" or "error"',
        ),
        (
            "[limits]\nreader_mb = 64",
            "limits.reader_mb = 64 is not allowed; it must be a whole number from 128 to 65536",
        ),
        ("[limits]\nreader_seconds = 0", "limits.reader_seconds = 0 is not allowed"),
        ("[limits]\ncorpora_mb = 8", "limits.corpora_mb = 8 is not allowed; it must be a whole number from 16"),
        ("[limits]\nidle_minutes = -1", "limits.idle_minutes = -1 is not allowed; it must be a whole number from 0"),
        ("[answers]\nkeep_waiting = 1", "answers.keep_waiting = 1 is not allowed; it must be true or false"),
        ('[fetch]\ncontact = "a\\r\\nb"', "fetch.contact = "),
        (
            "[fetch]\ncontact = 'me (at) home'",
            'fetch.contact = "me (at) home" is not allowed; it must be a web or e-mail',
        ),
        ("[fetch]\nseconds = 0", "fetch.seconds = 0 is not allowed; it must be a whole number from 1 to 600"),
        ("[fetch]\nallowed_networks = '10.0.0.0/8'", "it must be a list of networks in quotes"),
        ("[fetch]\nallowed_networks = [167772160]", "fetch.allowed_networks = [167772160] is not allowed"),
        ("[fetch]\nallowed_networks = ['10.0.0.1/8']", 'fetch.allowed_networks = ["10.0.0.1/8"] is not allowed'),
        ("[fetch]\nallowed_networks = ['localhost']", 'fetch.allowed_networks = ["localhost"] is not allowed'),
        ("[refresh]\npages_hours = -1", "refresh.pages_hours = -1 is not allowed; it must be a number of hours from 0"),
        ("[refresh]\nfeeds_hours = inf", "refresh.feeds_hours = Infinity is not allowed"),
        ("[refresh]\nfolders_hours = true", "refresh.folders_hours = true is not allowed"),
        ("[refresh]\nfolders_hours = '1'", 'refresh.folders_hours = "1" is not allowed'),
        ("[log]\nquestions = 'yes'", 'log.questions = "yes" is not allowed; it must be true or false'),
        ("shared_with = ['1', '2']", 'shared_with = ["1", "2"] is not allowed; it must be a list of server ids'),
        ("shared_with = [0]", "shared_with = [0] is not allowed"),
        ("shared_with = [18446744073709551616]", "shared_with = [18446744073709551616] is not allowed"),
        ("[discord]\nmanager_roles = 5", "discord.manager_roles = 5 is not allowed; it must be a list of role ids"),
        ("[discord]\nlog_channel = '7'", 'discord.log_channel = "7" is not allowed; it must be a channel\'s id'),
        ("data = ''", 'data = "" is not allowed; it must be a folder\'s path in quotes'),
        ("data = 3", "data = 3 is not allowed"),
        ("log = 'info'", 'log = "info" is not allowed; it must be a table, [log]'),
        ("[model]\nname = ''", 'model.name = "" is not allowed'),
    ],
)
def test_a_bad_value_is_named(tmp_path, text, expected):
    """A bad value is named with its key and what is allowed."""
    assert expected in complaint(tmp_path, text)


def test_an_unknown_key_is_named_with_a_close_one(tmp_path):
    """An unknown key is named with its value, a close key or the same key's own table, and all that are known."""
    message = complaint(tmp_path, "[answers]\nhit = 3")
    assert "answers.hit = 3 is not a known key. Did you mean answers.hits?" in message
    assert "Known in [answers]: hits, precision, keep_waiting." in message
    assert "Did you mean answers.hits?" in complaint(tmp_path, "hits = 3")
    assert "modell = a table is not a known key. Did you mean model?" in complaint(tmp_path, "[modell]\nname = 'x'")


def test_all_mistakes_are_named_at_once(tmp_path):
    """Several mistakes come in one message, each on a line of its own."""
    message = complaint(tmp_path, "shared_with = ['1', '2']\n[answers]\nhits = 0\nhit = 1\n[log]\nformat = 'xml'")
    assert len(message.splitlines()) == 5


def test_a_token_in_the_file_is_refused_and_not_shown(tmp_path):
    """A token in the file is refused with where it belongs, and is not repeated, whatever its key."""
    for text in (f"token = '{TOKEN}'", f"[discord]\nsecret = '{TOKEN}'", f"data = ['{TOKEN}']"):
        message = complaint(tmp_path, text)
        assert TOKEN not in message
    assert "DISCORD_TOKEN" in complaint(tmp_path, f"[discord]\ntoken = '{TOKEN}'")


def test_the_token_comes_from_the_environment(tmp_path, monkeypatch):
    """The token is read from DISCORD_TOKEN, which wins over a .env file, and the environment is left as it was."""
    (tmp_path / ".env").write_text("DISCORD_TOKEN=from-file\nOTHER=1\n")
    monkeypatch.setenv("DISCORD_TOKEN", " from-environment\n")
    assert config.token(tmp_path).get_secret_value() == "from-environment"
    monkeypatch.delenv("DISCORD_TOKEN")
    assert config.token(tmp_path).get_secret_value() == "from-file"
    assert "DISCORD_TOKEN" not in os.environ
    assert "OTHER" not in os.environ


@pytest.mark.parametrize("text", ["", "DISCORD_TOKEN=\n", "# DISCORD_TOKEN=x\n", "not a setting"])
def test_no_token_is_none(tmp_path, monkeypatch, text):
    """Without a token in either place there is none, and that is no error."""
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    assert config.token(tmp_path) is None
    (tmp_path / ".env").write_text(text)
    assert config.token(tmp_path) is None


def test_a_token_may_be_quoted_and_hold_dollars(tmp_path, monkeypatch):
    """A .env file's quotes are taken off, and nothing in a token is expanded."""
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    (tmp_path / ".env").write_text("\ufeffDISCORD_TOKEN='a${HOME}b'\n", encoding="utf-8")
    assert config.token(tmp_path).get_secret_value() == "a${HOME}b"


def test_the_token_shows_in_no_representation(tmp_path, monkeypatch):
    """Neither printing nor formatting what holds the token shows it."""
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    token = config.token(tmp_path)
    assert TOKEN not in f"{token} {token!r} {config.load(home=tmp_path)!r}"


def test_a_models_languages_are_codes_or_names(tmp_path):
    """Languages may be written as codes, with a region, or as English names; what is none of these is refused."""
    assert config.load(home=tmp_path).model.languages is None
    loaded = config.load(written(tmp_path, '[model]\nlanguages = ["en", "pt-BR", "German"]'))
    assert loaded.model.languages == {"en", "pt", "de"}
    for wrong in ('"en"', "[]", '["klingon"]', "[1]"):
        assert "list of language codes" in complaint(tmp_path, f"[model]\nlanguages = {wrong}")
