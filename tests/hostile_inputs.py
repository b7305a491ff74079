"""All hostile inputs, and the honest articles that lie among them."""

from hostile_archives import ARCHIVES, HONEST_UPLOAD, named
from hostile_documents import DOCX, EPUB, PDF, docx, p, pdf, printed
from hostile_texts import HTML, KINDS, MARKDOWN, NAMES, TEXT, page
from hostile_web import ADDRESSES, ANSWERS, FEEDS, REDIRECTS, ROBOTS, item, rss
from hostile_world import Case, World, told
from loopback_web import answer

GROUPS: dict[str, tuple[Case, ...]] = {
    "Archives": ARCHIVES,
    "DOCX": DOCX,
    "EPUB": EPUB,
    "PDF": PDF,
    "HTML": HTML,
    "Markdown": MARKDOWN,
    "Text": TEXT,
    "Files that are not what they are called": KINDS,
    "Names": NAMES,
    "Redirects": REDIRECTS,
    "Addresses": ADDRESSES,
    "robots.txt": ROBOTS,
    "Servers": ANSWERS,
    "Feeds": FEEDS,
}
CASES = [case for group in GROUPS.values() for case in group]


def put_honest(world: World) -> dict[str, str]:
    """Articles as people have them, in the world: address in reports → a sentence of each."""
    world.archive = world.upload("names.zip", named())
    world.web.put("/fed", page("an article of a feed"))
    fed = world.web.url("/fed", world.host("fed.example"))
    entries = item("own", told("an honest entry")), item("fed", "Short.", fed)
    feed = world.feed("honest", answer(body=rss(*entries), content_type="application/rss+xml"))
    files = {
        "honest.txt": ("an honest text", told("an honest text").encode()),
        "honest.md": ("an honest note", f"# News\n\n{told('an honest note')}".encode()),
        "honest.html": ("an honest page", page("an honest page").encode()),
        "honest.docx": ("an honest document", docx(p(told("an honest document")))),
        "honest.pdf": ("an honest print", pdf(printed("an honest print"))),
        "zz/last.txt": ("an honest text at the end", told("an honest text at the end").encode()),
    }
    put = {world.file(name, data): what for name, (what, data) in files.items()}
    put |= {
        f"{world.archive}!/{HONEST_UPLOAD}": "an honest upload",
        world.page("welcome", answer(body=page("a page on the web"))): "a page on the web",
        f"{feed}#own": "an honest entry",
        fed: "an article of a feed",
    }
    return {address: f"It was {what} that told of it first." for address, what in put.items()}
