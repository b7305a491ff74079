"""A small real bot, run as a process of its own to prove the loopback Discord."""

import asyncio
import io
import os
import signal
import socket
import sys

import discord
from discord import app_commands, ui
from discord.ext import commands


class Probe(commands.AutoShardedBot):
    async def setup_hook(self):
        self.add_dynamic_items(Again)
        self.loop.add_signal_handler(signal.SIGTERM, self.stop)
        self.tree.add_command(articles)
        await self.tree.sync()

    def stop(self):
        self.stopping = asyncio.ensure_future(self.close())

    async def on_ready(self):
        print("ready", self.application.owner.name, len(self.guilds), flush=True)

    async def on_message(self, message):
        if message.author.bot:
            return
        print("heard", repr(message.content), message.id, flush=True)
        if self.user in message.mentions or message.guild is None:
            await message.reply("You said " + discord.utils.escape_mentions(message.content))

    async def on_guild_join(self, guild):
        print("joined", guild.name, flush=True)

    async def on_guild_remove(self, guild):
        print("left", guild.name, flush=True)

    async def on_resumed(self):
        print("resumed", flush=True)


class Again(ui.DynamicItem[ui.Button], template=r"again:(?P<number>[0-9]+)"):
    def __init__(self, number):
        super().__init__(ui.Button(label="Again", custom_id=f"again:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(cls, interaction, item, match):
        return cls(int(match["number"]))

    async def callback(self, interaction):
        view = ui.View(timeout=None)
        view.add_item(Again(self.number + 1))
        await interaction.response.edit_message(content=f"pressed {self.number}", view=view)


class Form(ui.Modal, title="A form"):
    name = ui.TextInput(label="Name")

    async def on_submit(self, interaction):
        await interaction.response.send_message(f"Hello {self.name.value}", ephemeral=True)


bot = Probe(
    command_prefix=[],
    intents=discord.Intents.default(),
    allowed_mentions=discord.AllowedMentions.none(),
    guild_ready_timeout=0.1,
)


@bot.tree.command(description="Ask")
async def ask(interaction, question: app_commands.Range[str, 3, 300]):
    await interaction.response.defer(thinking=True)
    embed = discord.Embed(title="Answer", description=question.upper())
    await interaction.edit_original_response(content="first")
    await interaction.edit_original_response(content=None, embed=embed)
    await interaction.followup.send(f"more for {interaction.user.mention}", ephemeral=True)


@bot.tree.command(description="Buttons")
async def buttons(interaction):
    view = ui.View(timeout=None)
    view.add_item(Again(1))
    await interaction.response.send_message("not pressed", view=view)


@bot.tree.command(description="Form")
async def form(interaction):
    await interaction.response.send_modal(Form())


@bot.tree.command(description="Misbehave")
async def misbehave(interaction, how: str):
    if how == "late":
        await asyncio.sleep(3.2)
    await interaction.response.defer()
    if how == "twice":
        try:
            interaction.response._response_type = None
            await interaction.response.send_message("again")
        except discord.HTTPException as error:
            await interaction.followup.send(f"refused: {error.code}")
    elif how == "long":
        try:
            await interaction.followup.send("x" * 2001)
        except discord.HTTPException as error:
            await interaction.followup.send(f"refused: {error.code} {error.text}")
    elif how == "outside":
        for target in (("192.0.2.1", 9), ("example.com", 443)):
            try:
                socket.create_connection(target, timeout=2)
            except OSError as error:
                await interaction.followup.send(f"refused: {error}")


class Panel(ui.LayoutView):
    text = ui.TextDisplay("A panel")
    row = ui.ActionRow()

    @row.select(placeholder="Colour", options=[discord.SelectOption(label=name) for name in ("red", "blue")])
    async def colour(self, interaction, select):
        await interaction.response.send_message(f"chose {select.values[0]}", ephemeral=True)


@bot.tree.command(description="Panel")
async def panel(interaction):
    await interaction.response.send_message(view=Panel())


@bot.tree.command(description="File")
async def file(interaction):
    await interaction.response.send_message("here", file=discord.File(io.BytesIO(b"bytes"), "b.txt"))
    progress = await interaction.channel.send("progress", file=discord.File(io.BytesIO(b"more"), "c.txt"))
    await progress.edit(content="done", attachments=[])
    await (await interaction.channel.send("to be deleted")).delete()


@bot.tree.context_menu(name="Shout")
async def shout(interaction, message: discord.Message):
    await interaction.response.send_message(message.content.upper())


articles = app_commands.Group(
    name="articles",
    description="Articles",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
)


@articles.command(description="Add")
@app_commands.checks.has_permissions(manage_guild=True)
async def add(interaction, file: discord.Attachment):
    await interaction.response.defer(ephemeral=True)
    text = (await file.read()).decode()
    await interaction.edit_original_response(content=f"{file.filename} {file.size} {text}")


@articles.command(description="Remove")
async def remove(interaction, article: str):
    await interaction.response.send_message(f"removed {article}", ephemeral=True)


@remove.autocomplete("article")
async def complete(interaction, current):
    return [app_commands.Choice(name=f"{current}{n} of {interaction.guild.name}", value=str(n)) for n in range(3)]


@bot.tree.error
async def on_error(interaction, error):
    if isinstance(error, app_commands.MissingPermissions):
        await interaction.response.send_message("You may not", ephemeral=True)
    else:
        print("error", repr(error.__cause__ or error), flush=True)


async def plain_client():
    """An unsharded client that waits until Discord can be reached."""
    client = discord.Client(intents=discord.Intents.default())
    while True:
        try:
            async with client:
                await client.start(os.environ["DISCORD_TOKEN"])
        except (discord.HTTPException, OSError) as error:
            print("not yet", type(error).__name__, flush=True)
            client = discord.Client(intents=discord.Intents.default())
            await asyncio.sleep(0.1)


if sys.argv[1:] == ["plain"]:
    asyncio.run(plain_client())
else:
    bot.run(os.environ["DISCORD_TOKEN"])
