"""All hostile inputs, and the honest articles that lie among them."""

from hostile_archives import ARCHIVES, HONEST_UPLOAD, named
from hostile_documents import DOCUMENTS, docx, p, pdf, printed
from hostile_texts import TEXTS, page
from hostile_web import WEB, item, rss
from hostile_world import Case, World, told
from loopback_web import answer

CASES: tuple[Case, ...] = (*ARCHIVES, *DOCUMENTS, *TEXTS, *WEB)


def put_honest(world: World) -> dict[str, str]:
    """Articles as people have them, in the world: address in reports → a sentence of each."""
    world.archive = world.upload("names.zip", named())
    world.web.put("/fed", page("an article of a feed"))
    files = {
        "honest.txt": told("an honest text").encode(),
        "honest.md": f"# News\n\n{told('an honest note')}".encode(),
        "honest.html": page("an honest page").encode(),
        "honest.docx": docx(p(told("an honest document"))),
        "honest.pdf": pdf(printed("an honest print")),
        "zz/last.txt": told("an honest text at the end").encode(),
    }
    entries = item("own", told("an honest entry")), item("fed", "Short.", world.web.url("/fed", world.host("fed.example")))
    feed = world.feed("honest", answer(body=rss(*entries), content_type="application/rss+xml"))
    texts = "an honest text,an honest note,an honest page,an honest document,an honest print,an honest text at the end"
    put = {world.file(name, data): what for (name, data), what in zip(files.items(), texts.split(","), strict=True)}
    put |= {
        f"{world.archive}!/{HONEST_UPLOAD}": "an honest upload",
        world.page("welcome", answer(body=page("a page on the web"))): "a page on the web",
        f"{feed}#own": "an honest entry",
        world.web.url("/fed", "fed.example"): "an article of a feed",
    }
    return {address: f"It was {what} that told of it first." for address, what in put.items()}
