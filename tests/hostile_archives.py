"""Hostile archives: bombs, lies and loops, and names that mean to lead somewhere."""

import struct
import zlib
from functools import cache
from io import BytesIO
from stat import S_IFLNK
from zipfile import ZIP_LZMA, ZipFile, ZipInfo

from hostile_world import MIB, RIVER, Place, file, indexed, refused, told, upload, zipped


def blank(size: int = MIB) -> bytes:
    """Blanks, which hold nothing and take next to no room in an archive."""
    return b" " * size


def overlapping(entries: int) -> bytes:
    """An archive whose entries are all the same bytes, of which each is a megabyte."""
    one = zipped({"0000.txt": blank()})
    directory = one.index(b"PK\x01\x02")
    end = one.rindex(b"PK\x05\x06")
    header = one[directory:end] * entries
    counts = struct.pack("<HHII", entries, entries, len(header), directory)
    return one[:directory] + header + one[end : end + 8] + counts + b"\0\0"


def holding_itself() -> bytes:
    """An archive whose one entry is all of it but the first header, with the right check sum."""
    name, check = b"again.txt", 0xC0FFEE
    size = 2 * (30 + len(name)) - 30 + 46 + 22 + 4
    numbers = (20, 0, 0, 0, 0, check, size, size, len(name), 0)
    entry = struct.pack("<4s5H3I2H", b"PK\x03\x04", *numbers) + name
    directory = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, *numbers, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 2 * len(entry), 4)
    inside = entry + directory + end
    assert size == len(inside) + 4
    return entry + inside + _ending(inside, check)


def _ending(data: bytes, wanted: int) -> bytes:
    """The four bytes behind `data` with which its CRC-32 is the one that is wanted."""
    table = [_shifted(n) for n in range(256)]
    by_highest = {value >> 24: n for n, value in enumerate(table)}
    state, steps = wanted ^ 0xFFFFFFFF, []
    for _ in range(4):  # backwards, from the last byte: which step of the table it was
        steps.append(by_highest[state >> 24])
        state = (state ^ table[steps[-1]]) << 8 & 0xFFFFFFFF
    state, made = zlib.crc32(data) ^ 0xFFFFFFFF, b""
    for step in reversed(steps):
        made += bytes([(state ^ step) & 0xFF])
        state = table[step] ^ state >> 8
    return made


def _shifted(n: int) -> int:
    for _ in range(8):
        n = n >> 1 ^ (0xEDB88320 if n & 1 else 0)
    return n


def nested(depth: int, copies: int = 16) -> bytes:
    """Archives in archives, as in the bomb called 42: at the innermost, a megabyte of blanks."""
    made = zipped({"0.txt": blank()})
    for _ in range(depth):
        made = zipped({f"{n}.zip": made for n in range(copies)})
    return made


def many_entries(count: int) -> bytes:
    """A directory of so many empty entries, and nothing else."""
    header = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[0] * 8, 0, 1, *[0] * 6) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(header) * count, 4, 0)
    return b"PK\x03\x04" + header * count + end


def lying(claimed: int, what: str) -> bytes:
    """An archive that gives another size for what it holds."""
    text = told(what) * 10
    return zipped({"a.txt": text}).replace(struct.pack("<I", len(text)), struct.pack("<I", claimed))


def with_password() -> bytes:
    """An archive whose headers say that its entry is encrypted."""
    data = bytearray(zipped({"a.txt": RIVER}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    return bytes(data)


def with_link() -> bytes:
    link = ZipInfo("link.txt")
    link.external_attr = (S_IFLNK | 0o777) << 16
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


# Names, all in one archive: each becomes an article under a name that leads nowhere

_NAMED = {
    "a name that climbs": ("../../../etc/cron.d/climb.txt", "etc/cron.d/climb.txt"),
    "an absolute name": ("/etc/absolute.txt", "etc/absolute.txt"),
    "a name with a drive": ("C:\\Windows\\drive.txt", "Windows/drive.txt"),
    "a name on a share": ("\\\\host\\share\\shared.txt", "host/share/shared.txt"),
    "a name with line ends": ("line\nend\r\n.txt", "line end .txt"),
    "a name with a NUL": ("nul.txt@.png", "nul.txt"),
    "a name that turns letters around": ("around\u202etxt.exe\u202c.txt", "aroundtxt.exe.txt"),
    "a name with commands for a terminal": ("red\x1b[31m\x07.txt", "red[31m.txt"),
    "a name of 5,000 characters": ("x" * 5_000 + ".txt", "x" * 95 + "….txt"),
    "a name 500 folders deep": ("b/" * 500 + "deep.txt", "b/" * 8 + "deep.txt"),
    "the same name twice": ("./etc/absolute.txt", "etc/absolute (2).txt"),
    "the name of a device": ("dev/CON.txt", "dev/CON.txt"),
    "a name in two spellings": ("\u0065\u0301\uff0f..\uff0fwide.txt", "\u0065\u0301\uff0f..\uff0fwide.txt"),
}
HONEST_UPLOAD = "honest words.txt"


@cache
def named() -> bytes:
    """The archive of all these names, and of one honest article."""
    entries = {written: told(name) for name, (written, _) in _NAMED.items()}
    made = zipped(entries | {HONEST_UPLOAD: told("an honest upload")})
    return made.replace(b"nul.txt@", b"nul.txt\0")


def _name(name: str) -> Place:
    return lambda world: f"{world.archive}!/{_NAMED[name][1]}"


ARCHIVES = (
    refused(
        "a ZIP bomb, flat",
        "expands to more than 200 times its size",
        file("flat.zip", lambda: zipped({"a.txt": blank(30 * MIB)})),
    ),
    refused(
        "a ZIP bomb of many small files",
        "expands to more than 100 MiB",
        file("many.zip", lambda: zipped({f"{n}.txt": blank() for n in range(200)})),
    ),
    refused(
        "a ZIP of nothing, as large as it may be",
        "is damaged and cannot be read as PDF",
        file("largest.zip", lambda: zipped({f"{n}.pdf": b"%PDF-" + bytes(MIB - 9) for n in range(99)})),
    ),
    refused(
        "a ZIP bomb of overlapping entries",
        ("expands to more than 100 MiB", "is damaged"),
        file("overlapping.zip", lambda: overlapping(900)),
    ),
    refused("a ZIP bomb in six layers", "is an archive within an archive", file("42.zip", lambda: nested(6))),
    refused(
        "a ZIP that holds itself", ("is an archive within an archive", "is damaged"), file("itself.zip", holding_itself)
    ),
    refused(
        "a ZIP of as many entries as fit in",
        "has more than 5,000 entries",
        file("entries.zip", lambda: many_entries(200_000)),
    ),
    refused("a ZIP of a million entries", "is too large", file("million.zip", lambda: many_entries(1_000_000))),
    refused(
        "a ZIP of 1,001 files",
        "has more than 1,000 entries",
        upload("files.zip", lambda: zipped({f"{n}.txt": RIVER for n in range(1_001)})),
    ),
    refused("a ZIP that claims less than it holds", "is damaged", upload("less.zip", lambda: lying(10, "less"))),
    indexed(
        "a ZIP that claims 4 GB",
        "indexed; what comes out is counted",
        "It was more that",
        upload("more.zip", lambda: lying(0xFFFFFFF0, "more")),
    ),
    refused("a ZIP with a password", "is encrypted: pack it without a password", file("password.zip", with_password)),
    refused(
        "a ZIP packed by a rare method",
        "compressed by a method that is not supported",
        file("rare.zip", lambda: zipped({"a.txt": RIVER}, ZIP_LZMA)),
    ),
    refused("a ZIP cut short", "is a damaged ZIP", file("short.zip", lambda: zipped({"a.txt": RIVER})[:-30])),
    refused("a ZIP of nothing but an end", "is a damaged ZIP", upload("end.zip", lambda: b"PK\x05\x06" + b"\xff" * 18)),
    refused(
        "a ZIP behind a program",
        "is not text but binary data",
        file("self-extracting.zip", lambda: b"MZ" + bytes(range(256)) * 40 + zipped({"a.txt": RIVER})),
    ),
    refused(
        "a ZIP of programs",
        "holds no articles",
        upload("programs.zip", lambda: zipped({"setup.exe": b"MZ", "run.sh": "rm -rf /"})),
    ),
    refused("a link in a ZIP", "is a link and not a file", file("link.zip", with_link)),
    *(indexed(name, "indexed under a harmless name", f"It was {name} that", _name(name)) for name in _NAMED),
)
