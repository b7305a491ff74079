"""The bytes of a file that someone attached to a command, within limits. It knows nothing of what is done with them."""

import aiohttp
import discord
from discord.asset import Asset
from yarl import URL

from cogs.refusal import Refusal
from cogs.speech import _
from index.readers import too_large

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=15)
_CHUNK = 65_536
_HOSTS = ("https://cdn.discordapp.com", "https://media.discordapp.net")


async def download(session: aiohttp.ClientSession, attachment: discord.Attachment, max_bytes: int) -> bytes:
    """The attached file's content; it is given up as soon as it turns out larger than `max_bytes`.

    Raises:
        Refusal: it is not on one of Discord's hosts, is too large, or Discord does not hand it over in time.
    """
    url = URL(attachment.url)
    # Whoever sends the bot a payload must not choose where it connects to.
    if not url.is_absolute() or url.origin() not in {URL(known).origin() for known in (Asset.BASE, *_HOSTS)}:
        raise Refusal(_("That file is not one that was uploaded to Discord. Upload it here."))
    data = bytearray()
    try:
        async with session.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status != 200:
                raise Refusal(_("Discord does not hand over the file any more. Upload it again."))
            async for chunk in response.content.iter_chunked(_CHUNK):
                data += chunk
                if len(data) > max_bytes:
                    raise Refusal(too_large(attachment.filename, max(len(data), attachment.size), max_bytes))
    except (aiohttp.ClientError, OSError) as error:
        raise Refusal(_("The file could not be fetched from Discord in time. Try again in a minute.")) from error
    return bytes(data)
