"""The loopback Discord itself, proven with a small real discord.py bot in a process of its own."""

import sys
from pathlib import Path

import pytest
from discord_loopback import BotProcess, LoopbackDiscord
from loopback_limits import ApiError, check_message

pytestmark = pytest.mark.process

PROBE = [sys.executable, str(Path(__file__).with_name("loopback_probe.py"))]


@pytest.fixture(scope="module")
def process(server):
    with BotProcess(server, PROBE) as process:
        yield process.wait_ready()


@pytest.fixture
def discord(server, process):
    """The shared server; its records of violations begin empty and end empty unless the test empties them."""
    server.violations.clear()
    yield server
    assert server.violations == []
    assert server.refused_connections() == []


def test_start_up(discord, process):
    """A bot that starts is told its owner and its servers, asks for no privileged intent and writes commands once."""
    assert process.wait_for_line("^ready") == "ready operator 2"
    assert discord.gateway.identifies[0]["shard"] == [0, 1]
    assert discord.command_writes == 1
    assert discord.visible("articles", discord.guilds[0], discord.guilds[0].manager)
    assert not discord.visible("articles", discord.guilds[0], discord.guilds[0].member)


def test_slash_command(discord):
    """A deferred command shows its timeline: acknowledged, edited twice, followed up, notifying nobody."""
    guild = discord.guilds[0]
    asked = discord.slash(guild.channel("general"), guild.member, "ask", {"question": "why?"})
    asked.wait_for(lambda self: self.followups)
    assert asked.response_type == 5
    assert asked.acknowledged_after < 3
    assert not asked.ephemeral
    assert [state["content"] for state in asked.history] == ["", "first", ""]
    assert asked.embeds[0]["description"] == "WHY?"
    assert asked.text == f"Answer\nWHY?\nmore for {guild.member.mention}"
    assert asked.followups[0].ephemeral
    assert asked.followups[0].pinged == set()
    with pytest.raises(AssertionError, match="must have 3 to 300"):
        discord.slash(guild.channel("general"), guild.member, "ask", {"question": "x"})


def test_mention_and_intents(discord, process):
    """Content reaches a bot without the privileged intent only by mention and in direct messages."""
    guild = discord.guilds[1]
    plain = discord.say(guild.channel("help"), guild.member, "nothing for the bot")
    asked = discord.say(guild.channel("help"), guild.member, f"{discord.bot.mention} hello")
    reply = discord.wait_for_reply(asked)
    assert reply.text.endswith("hello")
    assert reply.pinged == set()
    assert process.wait_for_line(f"heard '' {plain.id}")
    private = discord.direct_message(guild.member, "in private")
    assert discord.wait_for_reply(private).content == "You said in private"


def test_attachment_and_permissions(discord):
    """An uploaded file is read from the CDN, and the member's resolved permissions come with the interaction."""
    guild = discord.guilds[0]
    file = discord.upload("a.txt", b"Some text.")
    added = discord.slash(guild.channel("general"), guild.manager, "articles add", {"file": file}).wait_for_answer()
    assert added.content == "a.txt 10 Some text."
    assert added.ephemeral
    refused = discord.slash(guild.channel("general"), guild.member, "articles add", {"file": file}).wait_for_answer()
    assert refused.content == "You may not"
    assert refused.response_type == 4
    with pytest.raises(AssertionError, match="not offered here"):
        discord.slash(discord.dm_channel(guild.member), guild.member, "articles add", {"file": file})


def test_autocomplete(discord):
    """Typing into an option brings the bot's choices, made for the server in which it is typed."""
    guild = discord.guilds[1]
    typed = discord.autocomplete(guild.channel("general"), guild.manager, "articles remove", "article", "So")
    assert typed.wait_for_answer().choices[0] == {"name": "So0 of Meadow", "value": "0"}


def test_button_and_form(discord):
    """A dynamic button edits its message again and again, and a form comes back filled in."""
    guild = discord.guilds[0]
    shown = discord.slash(guild.channel("general"), guild.member, "buttons").wait_for_answer()
    for number in (1, 2):
        clicked = discord.click(shown.message, "Again", guild.member).wait_for_answer()
        assert clicked.response_type == 7
        assert shown.content == f"pressed {number}"
    form = discord.slash(guild.channel("general"), guild.member, "form").wait_for_answer()
    assert discord.submit(form, {"Name": "Piet"}).wait_for_answer().content == "Hello Piet"


def test_panel_and_context_menu(discord):
    """A components-only message, its select menu and a message command work as in a client."""
    guild = discord.guilds[0]
    panel = discord.slash(guild.channel("general"), guild.member, "panel").wait_for_answer()
    assert panel.text == "A panel"
    select = panel.message.selects[0]["custom_id"]
    chosen = discord.select(panel.message, select, ["blue"], guild.member)
    assert chosen.wait_for_answer().content == "chose blue"
    said = discord.say(guild.channel("general"), guild.member, "quiet")
    assert discord.context_menu(guild.channel("general"), guild.member, "Shout", said).wait_for_answer().text == "QUIET"


def test_files(discord):
    """Files the bot sends arrive with their bytes; edits and deletions leave their traces."""
    guild = discord.guilds[0]
    asked = discord.slash(guild.channel("help"), guild.member, "file").wait_for_answer()
    assert asked.message.files == [("b.txt", b"bytes")]
    done = discord.wait_for_message(guild.channel("help"), lambda message: message.content == "done")
    assert [state["content"] for state in done.history] == ["progress", "done"]
    assert done.payload["attachments"] == []
    discord.wait_for(lambda: any(item.deleted for item in list(discord.messages.values())))
    assert "to be deleted" not in [message.content for message in discord.bot_messages(guild.channel("help"))]


def test_servers_come_and_go(discord, process):
    """Invitation and removal reach the bot as joining and leaving a server."""
    guild = discord.add_guild("Orchard")
    process.wait_for_line("^joined Orchard")
    discord.remove_guild(guild)
    process.wait_for_line("^left Orchard")


@pytest.mark.parametrize(("status", "after"), [(429, False), (502, True)])
def test_faults(discord, status, after):
    """A rate limit, or an answer lost after its effect, still ends in exactly one reply."""
    guild = discord.guilds[0]
    fault = discord.fail(status, r"/messages$", "POST", after_effect=after, retry_after=0.2)
    asked = discord.say(guild.channel("general"), guild.member, f"{discord.bot.mention} hello {status}")
    discord.wait_for_reply(asked)
    discord.wait_for(lambda: discord.sent("POST", r"/messages$")[-1].status == 200)
    assert fault.hits == 1
    assert len(discord.replies(asked)) == 1


def test_bucket(discord):
    """A real bucket lets so many requests through and makes the client wait for the rest."""
    guild = discord.guilds[1]
    limit = discord.limit(r"/messages$", "POST", count=2, per=0.5)
    said = [discord.say(guild.channel("help"), guild.member, f"{discord.bot.mention} {n}") for n in range(5)]
    for message in said:
        discord.wait_for_reply(message)
    accepted = [item.at for item in discord.sent("POST", r"/messages$") if item.status == 200][-5:]
    assert accepted[-1] - accepted[0] >= 0.5
    discord.rest.limits.remove(limit)


def test_resume(discord, process):
    """A mention that came while the gateway was down is replayed by RESUME exactly once."""
    guild = discord.guilds[0]
    identifies, resumes = len(discord.gateway.identifies), len(discord.gateway.resumes)
    with discord.gateway_down():
        missed = discord.say(guild.channel("general"), guild.member, f"{discord.bot.mention} missed")
    discord.wait_for_reply(missed)
    process.wait_for_line("^resumed")
    assert len(discord.gateway.resumes) == resumes + 1
    assert len(discord.gateway.identifies) == identifies
    assert len([line for line in process.lines if f"missed' {missed.id}" in line]) == 1
    assert len(discord.replies(missed)) == 1


def test_refusals(discord):
    """A second answer, a late one, text over the limit and a way out of the loopback are refused and recorded."""
    guild = discord.guilds[0]

    def use(how):
        return discord.slash(guild.channel("general"), guild.member, "misbehave", {"how": how})

    late = use("late")
    assert use("twice").wait_for_answer().text == "refused: 40060"
    assert use("long").wait_for_answer().text.startswith("refused: 50035 Invalid Form Body\nIn content: Must be 2000")
    assert "loopback guard: socket.connect" in use("outside").wait_for(lambda self: self.followups).text
    late.wait_for(lambda self: self.errors)
    assert late.errors[0][1] == 10062
    assert late.acknowledged_after is None
    kinds = [item.kind for item in discord.violations if item.kind != "schema"]
    assert kinds == ["refused", "refused", "late", "refused"]
    assert [item["target"] for item in discord.refused_connections()] == ["('192.0.2.1', 9)", "'example.com'"]
    discord.violations.clear()
    discord.forget_refused_connections()


def test_expired_token(discord):
    """Fifteen minutes after an interaction its token is no longer good."""
    guild = discord.guilds[0]
    discord.fail(500, "/messages/@original", "PATCH")
    asked = discord.slash(guild.channel("general"), guild.member, "ask", {"question": "why?"})
    asked.wait_for(lambda self: self.acknowledged_after is not None)
    asked.expire()
    asked.wait_for(lambda self: self.errors)
    assert asked.errors[0][:2] == (401, 50027)


def test_stop():
    """SIGTERM ends the process with code 0, and a wrong token is told it by REST."""
    with LoopbackDiscord() as other, BotProcess(other, PROBE) as process:
        process.wait_ready()
        process.wait_for_line("^ready")
        assert process.terminate() == 0
        assert other.gateway.sessions == {}
        assert other.violations == []
    with LoopbackDiscord() as other:
        other.refuse_token()
        with BotProcess(other, PROBE) as process:
            assert process.wait() == 1
            assert "Improper token" in process.output
        assert other.violations == []


def test_plain_client():
    """An unsharded client is served too, when Discord comes back after refusing connections and answers with 503."""
    with LoopbackDiscord() as other:
        other.fail(503, "/users/@me", times=2)
        with other.offline():
            process = BotProcess(other, [*PROBE, "plain"]).start()
            process.wait_for_line("^not yet ClientConnectorError")
        with process:
            process.wait_ready()
            process.wait_for_line("^not yet DiscordServerError")
            for trouble in (other.ask_reconnect, other.drop_gateway, lambda: other.close_gateway(4000)):
                resumes = len(other.gateway.resumes)
                trouble()
                other.wait_for(lambda resumes=resumes: len(other.gateway.resumes) > resumes)
            assert len(other.gateway.identifies) == 1
            assert other.gateway.heartbeats >= 4
        assert other.violations == []


def test_shards():
    """Each shard gets the servers that fall to it, and its own events."""
    with LoopbackDiscord(shards=2) as other, BotProcess(other, PROBE) as process:
        process.wait_ready()
        for guild in other.guilds:
            asked = other.say(guild.channel("general"), guild.member, f"{other.bot.mention} hello")
            assert other.wait_for_reply(asked).text.endswith("hello")
        assert sorted(item["shard"] for item in other.gateway.identifies) == [[0, 2], [1, 2]]
        assert other.violations == []


def test_refused_intents():
    """Intents that are not enabled for the application close the gateway with 4014."""
    with LoopbackDiscord(shards=1) as other:
        other.refuse_identify(4014)
        with BotProcess(other, PROBE) as process:
            assert process.wait() == 1
            assert "PrivilegedIntentsRequired" in process.output
        assert other.violations == []


def body(**parts):
    return {"content": "text"} | parts


def button(custom_id="a", **parts):
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": "A"} | parts


def row(*components):
    return {"type": 1, "components": list(components)}


@pytest.mark.parametrize(
    "wrong",
    [
        body(content="x" * 2001),
        body(embeds=[{"description": "x" * 4097}]),
        body(embeds=[{"title": "x" * 257}]),
        body(embeds=[{"fields": [{"name": "a", "value": "b"}] * 26}]),
        body(embeds=[{"fields": [{"name": "a", "value": "x" * 1025}]}]),
        body(embeds=[{"fields": [{"name": "a", "value": ""}]}]),
        body(embeds=[{"description": "x" * 3001}] * 2),
        body(embeds=[{"title": "a", "url": "javascript:alert(1)"}]),
        body(components=[row(button(), button())]),
        body(components=[row(button(label="x" * 81))]),
        body(components=[row(button("x" * 101))]),
        body(components=[row(*[button(str(n)) for n in range(6)])]),
        body(components=[row(button(str(n))) for n in range(6)]),
        body(
            components=[
                row({"type": 3, "custom_id": "s", "options": [{"label": str(n), "value": str(n)} for n in range(26)]})
            ]
        ),
        body(components=[{"type": 10, "content": "text without the flag"}]),
        body(flags=1 << 15, components=[{"type": 10, "content": "beside content"}]),
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 4001}]},
        {"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41},
        {"content": " "},
        {"content": "", "embeds": [{"color": 1}]},
    ],
    ids=str,
)
def test_limits(wrong):
    """Messages beyond Discord's limits are refused."""
    with pytest.raises(ApiError):
        check_message(wrong)


def test_within_limits():
    """Messages that just fit Discord's limits are accepted."""
    check_message(body(content="x" * 2000))
    check_message(body(embeds=[{"title": "x" * 256, "description": "x" * 4096}]))
    check_message(body(components=[row(*[button(f"{r}{n}") for n in range(5)]) for r in range(5)]))
    check_message({"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 100}] * 40})
    check_message({"content": None}, before={"content": "x", "embeds": [{"title": "kept"}]})
