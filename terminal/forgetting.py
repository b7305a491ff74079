"""What has left a corpus by the command line leaves the words beside judgements in Discord at once, too."""

from contextlib import closing

from terminal.session import Session


def forget_gone(session: Session, server: int | None) -> None:
    """Overwrites there what no longer stands in the articles of a server (None: the operator's, whom every server may
    have asked). Nothing is made or opened where nothing is kept of answers in Discord.

    Raises:
        UserError: the records or a corpus cannot be read or written.
    """
    from records import forgetting
    from records.records import FILE, Records

    folder = session.config.data
    if not (folder / FILE).exists():
        return
    with closing(Records(folder)) as records:
        for place in records.learning.judged() if server is None else [server]:
            with session.store(place) as own, session.store(None) as shared:
                forgetting.forget_gone(records.answers, place, filter(None, (own, shared)))
