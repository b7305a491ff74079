"""The errors that are meant for whoever wrote in Discord, told apart from those that the operator has to mend."""

from index.errors import UserError


class Refusal(UserError):
    """What the person who asked is told: in their language already, or as what `index/` says, which `speech.told`
    translates (`Refusal(error.said)`).

    Any other `UserError` comes from below, may name files and settings of this machine, and is the operator's to mend.
    """
