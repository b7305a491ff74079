"""The documentation tells all there is: commands, options, keys, links, the version; and its commands are those run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import discord
import pytest
import typer
from discord.ext import commands

import config
import terminal
from cogs import client
from terminal.app import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_OURS = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
NOT_TRACKED = {"data", "articles", "reports", "config.toml", ".env"}  # at the top; see .gitignore


def files(pattern: str = "*") -> list[Path]:
    """The repository's own files."""
    inside = (path.relative_to(ROOT) for path in ROOT.rglob(pattern) if path.is_file())
    return sorted(path for path in inside if not NOT_OURS & set(path.parts) and path.parts[0] not in NOT_TRACKED)


def block_after(marker: str) -> str:
    """The code block that follows a marker comment in README.md, without its fences."""
    found = re.search(rf"^<!-- {re.escape(marker)} -->\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md lacks {marker}"
    return found[1]


def terminal_commands(command=None, path=()):
    """(words of the command, option names) of every command of bot.py that does something."""
    command = command or typer.main.get_command(app)
    inner = getattr(command, "commands", {})
    if not inner or command.callback is None or not path:
        names = [name for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
        yield path, names
    for name, one in inner.items():
        yield from terminal_commands(one, (*path, name))


def discord_commands():
    """(`/name`, option names) of every slash command; nothing is connected."""
    for cog in vars(client).values():
        if isinstance(cog, type) and issubclass(cog, commands.Cog):
            group = f"{cog.__cog_group_name__} " if cog.__cog_is_app_commands_group__ else ""
            for command in cog.__cog_app_commands__:
                yield f"/{group}{command.name}", [option.name for option in command.parameters]


# -- README


@pytest.mark.parametrize("path, options", list(terminal_commands()), ids=lambda value: " ".join(value) or "-")
def test_terminal_commands(path, options):
    """README.md shows every command of the terminal as one types it, and names each of its options."""
    assert f"`{' '.join(('python bot.py', *path))}" in README
    for option in options:
        assert re.search(rf"`{option}\b", README) or re.search(rf"`[^`\n]* {option}\b", README), option


def test_exit_codes():
    """README.md explains every exit code."""
    from terminal.session import Exit

    for code in Exit:
        assert re.search(rf"^\| {code.value} \|", README, re.MULTILINE), code


@pytest.mark.parametrize("name, options", list(discord_commands()), ids=str)
def test_discord_commands(name, options):
    """README.md has a row for every slash command that names its options."""
    rows = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert rows
    for option in options:
        assert f"`{option}`" in rows[0]


def test_there_are_discord_commands():
    """The commands of all cogs are looked at."""
    feeds = {f"/feeds {name}" for name in ("add", "list", "pause", "resume", "remove")}
    feeds |= {f"/sources {name}" for name in ("list", "pause", "resume", "remove")}
    others = {"/ask", "/articles add", "/articles list", "/articles show", "/articles remove", "/reindex", "/export"}
    others |= {"/gaps", "/status", "/privacy show", "/privacy delete", "/settings", "/help"}
    assert feeds | others == {name for name, _ in discord_commands()}


def configuration_keys():
    """(table, key, default) of every key of config.toml; the table of a top-level key is ""."""
    for name, field in config.Config.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        if inner is None:
            yield "", name, field.default
        else:
            yield from ((name, key, one.default) for key, one in inner.items())


@pytest.mark.parametrize("table, key, default", list(configuration_keys()), ids=str)
def test_configuration_keys(table, key, default):
    """README.md has a row for every configuration key, with its default, and names its table."""
    rows = [line for line in README.splitlines() if re.match(rf"\| (`\[\w+\]`)? ?\| `{key}` \|", line)]
    assert rows
    assert f"| {as_toml(default)} |" in rows[0]
    assert not table or f"| `[{table}]` |" in README


def as_toml(default: object) -> str:
    if default is None:
        return "absent"
    if isinstance(default, bool | int | float):
        return f"`{str(default).lower()}`"
    return "`[]`" if default == frozenset() else f'`"{default}"`'


def test_permissions():
    """The permissions in README.md add up to the number there, and the invite link asks for it and for both scopes."""
    rows = re.findall(r"^ *\| ([A-Z][\w ]+) \| [^|]+ \| (\d+) \|$", README, re.MULTILINE)
    names = {name: int(value) for name, value in rows}
    flags = {"View Channels": "view_channel"}
    wanted = discord.Permissions(**{flags.get(name, name.lower().replace(" ", "_")): True for name in names})
    assert sum(names.values()) == wanted.value
    assert f"**{wanted.value}**" in README
    assert f"client_id=CLIENT_ID&scope=bot+applications.commands&permissions={wanted.value}\n" in README


def test_the_two_commands():
    """Both commands of README.md make the environment, install and run; .ci/run reads them from there."""
    environment = "python3 -m venv .venv && .venv/bin/pip install -r"
    assert block_after("command: demo") == f"{environment} requirements.txt && .venv/bin/python bot.py demo\n"
    assert block_after("command: test") == f"{environment} requirements-dev.txt && .venv/bin/python -m pytest\n"
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "demo=$(command_of demo)" in ci
    assert "tests=$(command_of test)" in ci
    assert "<!-- command: $1 -->" in ci
    assert "-r requirements.txt\n" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")


@pytest.mark.model
@pytest.mark.process
def test_the_transcript():
    """The transcript in README.md is what the command prints, but for the time it takes."""
    arguments = re.search(r"^<!-- transcript: (.+) -->$", README, re.MULTILINE)[1]
    command, _, shown = block_after(f"transcript: {arguments}").partition("\n")
    assert command == f"$ .venv/bin/python bot.py {arguments}"
    done = subprocess.run(
        [sys.executable, "bot.py", *arguments.split()],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=True,
    )
    assert untimed(done.stdout.strip()) == untimed(shown.strip())


def untimed(text: str) -> str:
    return re.sub(r"\d+\.\d s\.", "… s.", text)


# -- all documents


@pytest.mark.parametrize("path", [path for path in files("*.md") if path.parts[0] != "examples"], ids=str)
def test_relative_links(path):
    """Every relative link leads to a file of the repository and, if it names one, to a heading there."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", link):
            continue
        name, _, heading = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        assert target.exists(), link
        assert not heading or heading in headings(target.read_text(encoding="utf-8")), link


def headings(text: str) -> set[str]:
    """The anchors of a document's headings."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_version():
    """The version is the same in pyproject.toml, in the program and in the changelog."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == terminal.VERSION
    assert re.search(rf"\b{re.escape(terminal.VERSION)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))


def test_notices():
    """Every direct dependency is pinned, and THIRD_PARTY_NOTICES.md has a row for it."""
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            requirement = line.partition("#")[0].strip()
            if requirement and not requirement.startswith("-r"):
                package, pin, _ = requirement.partition("==")
                assert pin, line
                assert f"\n| {package} | " in notices, package


def test_no_file_names_a_machine():
    """No file names a folder of somebody's machine or the host of a package registry."""
    hosts = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js", "download.py" + "torch.org"]
    folders = [f"/{name}/" for name in ("ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk")]
    forbidden = re.compile("|".join([*map(re.escape, hosts), *(rf"(?<![\w.]){re.escape(one)}" for one in folders)]))
    found = []
    for path in files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # no text
        found += [f"{path}: {match[0]}" for match in forbidden.finditer(text)]
    assert found == []
