"""Words that are said to a bot and ask nothing of any article. Pure."""

import re

_WORDS = frozenset(
    """
    help hello hey thanks thank you good morning evening night please sorry great nice cool bye ok okay yes no test ping
    hilfe hallo hey danke dir dank vielen guten tag morgen abend bitte tschüss ja nein super
    ayuda hola gracias muchas buenos días buenas tardes noches adiós sí vale
    aide bonjour bonsoir salut merci beaucoup au revoir oui non
    допомога допоможи привіт вітаю дякую дуже добрий день ранок вечір бувай так ні будь ласка
    """.split()
)
_WORD = re.compile(r"\w+")


def is_small_talk(text: str) -> bool:
    """Whether a text is nothing but greetings, thanks and a call for help."""
    words = _WORD.findall(text.casefold())
    return len(words) <= 4 and all(word in _WORDS for word in words)
