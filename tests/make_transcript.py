"""Makes docs/transcript.md and its pictures: what the bot says, as people see it.

    python tests/make_transcript.py [--folder docs] [--browser chromium]

The real bot with the real model and the sample articles, against the loopback Discord; every message is what was sent
over the wire. A Chromium makes the pictures (without one, HTML pages are left in their place), with the fonts Open Sans
and Noto Color Emoji where they are installed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from discord_loopback import BotProcess, Interaction, LoopbackDiscord, Message, User  # noqa: E402
from discord_page import Shown, page  # noqa: E402

PHONE, DESKTOP = 412, 720  # CSS pixels
_COLOURS = ("#248046", "#c27c0e", "#9b59b6", "#e91e63", "#3498db")
_INTRO = """# What it looks like

Made by `python tests/make_transcript.py`: the real bot with the sample articles, against a Discord on the loopback, and
a page of our own that draws messages much as Discord does. Look at it after a change to what the bot says.
"""


@dataclass(frozen=True)
class Scene:
    """A picture: its file's name, what is to be seen, and the messages."""

    name: str
    caption: str
    messages: list[Shown]
    width: int = PHONE


class Stage:
    """The servers and people of the loopback, and what they do, as messages to show."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        self.discord = discord
        self.guild = discord.guilds[0]
        self.channel = self.guild.channel("general")
        self.people = self.guild.member, self.guild.manager, self.guild.owner

    def shown(self, message: Message, answers: str = "") -> Shown:
        files = tuple(name for name, _ in message.files)
        person = message.author.id % len(_COLOURS)
        colour = "#5865f2" if message.author.bot else _COLOURS[person]
        return Shown(self._named(message), colour, answers, files)

    def _named(self, message: Message) -> dict[str, Any]:
        """The message with people and channels by their names, as Discord shows them."""
        names = {f"<@{one.id}>": f"`@{one.name}`" for one in self.discord.users.values()}
        names |= {f"<#{one.id}>": f"`#{one.name}`" for one in self.discord.channels.values()}
        names |= {f"<@&{role.id}>": f"`@{role.name}`" for one in self.discord.guilds for role in one.roles.values()}
        written = json.dumps(message.payload)
        for mention, name in names.items():
            written = written.replace(mention, name)
        payload: dict[str, Any] = json.loads(written)
        return payload

    def command(self, asked: Interaction, name: str, **wanted: object) -> list[Shown]:
        """A command's answer, with who used it above, and what else it brought."""
        first = self.shown(asked.message, f"{asked.user.name} used {name}") if asked.message else None
        return [one for one in (first, *map(self.shown, asked.followups)) if one]

    def use(self, user: User, name: str, **options: object) -> Interaction:
        asked = self.discord.slash(self.channel, user, name, options)
        return asked.wait_for(lambda self: self.answered and self.text and not self.text.endswith("…"), 60)

    def press(self, message: Message, button: str, user: User) -> Interaction:
        """Presses a button, and waits until what it does is to be seen."""
        pressed = self.discord.click(message, button, user)
        return pressed.wait_for(lambda self: self.acknowledged_after is not None and self.answered, 60)


def scenes(stage: Stage) -> Iterator[Scene]:
    """Everything that is worth a look."""
    yield from asking(stage)
    yield from governing(stage)
    yield from learning(stage)


def asking(stage: Stage) -> Iterator[Scene]:
    discord, member, owner = stage.discord, stage.guild.member, stage.guild.owner
    asked = stage.use(member, "ask", question="When did the sea wall at Port Merrow give way?")
    yield Scene("answer", "An answer to `/ask`, on a phone", stage.command(asked, "/ask"))
    yield Scene("answer-desktop", "The same on a desktop", stage.command(asked, "/ask"), DESKTOP)
    context = stage.press(asked.message, "Context", member)
    yield Scene("context", "“Context”, for whoever pressed it", [stage.shown(context.message)])
    more = stage.press(asked.message, "More", member)
    yield Scene("more", "“More”, for whoever pressed it", [stage.shown(more.message)])
    private = stage.use(member, "ask", question="Can you recover a lost backup passphrase?", private=True)
    shown = stage.command(private, "/ask")
    stage.press(private.message, "Share", member)
    shared = discord.wait_for_message(stage.channel, lambda one: "passphrase" in one.text, after=private.message)
    yield Scene("private", "A private answer, and the same one shared", [*shown, stage.shown(shared)])
    question = discord.say(
        stage.channel, member, f"{discord.bot.mention} When did the sea wall at Port Merrow give way?"
    )
    reply = discord.wait_for_reply(question, timeout=60)
    again = discord.say(stage.channel, owner, "And when was it built?", reply_to=reply)
    followed = discord.wait_for_reply(again, timeout=60)
    yield Scene(
        "mention",
        "A mention, and a follow-up in reply to the answer",
        [
            stage.shown(question),
            stage.shown(reply, member.name),
            stage.shown(again, discord.bot.name),
            stage.shown(followed, owner.name),
        ],
    )
    nothing = stage.use(owner, "ask", question="Who won the football World Cup in 2022?")
    yield Scene("nothing", "When no article answers", stage.command(nothing, "/ask"))
    owner.locale = "de"
    german = stage.use(owner, "ask", question="When does Lanternfall patch 1.8 go live?")
    yield Scene("german", "The words around the sentences are in the reader’s language", stage.command(german, "/ask"))
    owner.locale = "en-US"


def governing(stage: Stage) -> Iterator[Scene]:
    owner, manager, member = stage.guild.owner, stage.guild.manager, stage.guild.member
    panel = stage.use(owner, "settings")
    yield Scene("settings", "`/settings`", [stage.shown(panel.message)])
    helped = stage.use(member, "help")
    yield Scene("help", "`/help`, as a member sees it", [stage.shown(helped.message)])
    # The operator's status names folders, which are not everybody's business.
    status = stage.use(manager, "status")
    yield Scene("status", "`/status`, as a manager sees it", [stage.shown(status.message)])
    told = stage.use(member, "privacy show")
    yield Scene("privacy", "`/privacy show`", [stage.shown(told.message)])
    file = stage.discord.upload("owls.md", b"# Owls in the mill\n\nA pair of barn owls nests in the old mill.\n")
    added = stage.use(manager, "articles add", file=file)
    listed = stage.use(manager, "articles list")
    yield Scene("articles", "An article is added; the list", [stage.shown(added.message), stage.shown(listed.message)])
    refused = stage.use(member, "reindex")
    yield Scene("refused", "Who may not is told so, and nobody else", stage.command(refused, "/reindex"))


def learning(stage: Stage) -> Iterator[Scene]:
    owner, member, manager = stage.guild.owner, stage.guild.member, stage.guild.manager
    panel = stage.use(owner, "settings")
    for button in ("settings:page:2", "settings:log_questions:on"):
        stage.press(panel.message, button, owner)
    yield Scene("settings-answers", "Its second page", [stage.shown(panel.message)])
    for question in ("Is there a ferry to Hazel Island?", "When does the ferry to Hazel Island leave?"):
        stage.use(member, "ask", question=question)
    judged = stage.use(manager, "ask", question="When does Lanternfall patch 1.8 go live?")
    thanked = stage.press(judged.message, "answer:judge", member)
    yield Scene(
        "judged",
        "👍 and 👎, where the server keeps a question log",
        [stage.shown(judged.message), stage.shown(thanked.message)],
    )
    gaps = stage.use(manager, "gaps")
    yield Scene("gaps", "`/gaps`: what the articles do not answer", [stage.shown(gaps.message)])


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--folder", type=Path, default=ROOT / "docs")
    arguments.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome") or "")
    given = arguments.parse_args()
    pictures = given.folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    lines = [_INTRO]
    with tempfile.TemporaryDirectory() as folder:
        for scene in played(Path(folder)):
            document = Path(folder) / f"{scene.name}.html"
            document.write_text(page(scene.messages, scene.name, scene.width), encoding="utf-8")
            file = draw(given.browser, document, pictures / f"{scene.name}.png", scene.width, Path(folder))
            lines.append(f"## {scene.caption}\n\n![{scene.caption}](pictures/{file.name})\n")
            print(file.name)
    (given.folder / "transcript.md").write_text("\n".join(lines), encoding="utf-8")
    return 0


def played(folder: Path) -> Iterator[Scene]:
    """Runs the bot on the sample articles, and plays every scene."""
    (folder / "config.toml").write_text(f"articles = {str(ROOT / 'examples' / 'articles')!r}\n", encoding="utf-8")
    command = [sys.executable, "bot.py", "--config", folder / "config.toml"]
    with LoopbackDiscord() as discord, BotProcess(discord, command, cwd=ROOT) as bot:
        bot.wait_ready()
        stage = Stage(discord)
        run = discord.slash(stage.channel, discord.operator, "reindex")
        run.wait_for(lambda self: "operator's articles**: " in self.text.replace("’", "'"), 120)
        yield from scenes(stage)
        assert discord.violations == [], discord.violations


def draw(browser: str, document: Path, picture: Path, width: int, folder: Path) -> Path:
    """Draws a page as a picture as high as it is; without a browser, the page itself lies in its place."""
    if not browser:
        target = picture.with_suffix(".html")
        shutil.copy(document, target)
        return target
    height = _height(browser, document, width, folder)
    options = ["--screenshot=" + str(picture), f"--window-size={width},{height}", "--force-device-scale-factor=1.5"]
    _run(browser, [*options, document.as_uri()], folder)
    return picture


def _height(browser: str, document: Path, width: int, folder: Path) -> int:
    """How high a window has to be that shows the whole page: it says so itself, in its title."""
    measured = document.with_suffix(".measured.html")
    script = "<script>document.title = document.body.scrollHeight + outerHeight - innerHeight + 8</script>"
    measured.write_text(document.read_text("utf-8").replace("</body>", script + "</body>"), encoding="utf-8")
    dom = _run(browser, ["--dump-dom", f"--window-size={width},100", measured.as_uri()], folder)
    return int(dom.partition("<title>")[2].partition("</title>")[0]) + 1


def _run(browser: str, options: list[str], folder: Path) -> str:
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"]
    quiet += ["--disable-background-networking", f"--user-data-dir={folder / 'browser'}"]
    done = subprocess.run([browser, *quiet, *options], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
