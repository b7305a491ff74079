"""The bytes of a file that someone attached to a command, within limits. It knows nothing of what is done with them."""

import aiohttp
import discord

from index.errors import UserError
from index.readers import too_large

_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10, sock_read=15)
_CHUNK = 65_536


async def download(session: aiohttp.ClientSession, attachment: discord.Attachment, max_bytes: int) -> bytes:
    """The attached file's content; it is given up as soon as it turns out larger than `max_bytes`.

    Raises:
        UserError: it is too large, or Discord does not hand it over in time.
    """
    data = bytearray()
    try:
        async with session.get(attachment.url, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status != 200:
                raise UserError("Discord does not hand over the file any more. Upload it again.")
            async for chunk in response.content.iter_chunked(_CHUNK):
                data += chunk
                if len(data) > max_bytes:
                    raise UserError(too_large(attachment.filename, max(len(data), attachment.size), max_bytes))
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UserError("The file could not be fetched from Discord in time. Try again in a minute.") from error
    return bytes(data)
