"""The one error class whose message is written for its reader.

Entry points catch `UserError` alone and show its message; every other exception is a defect and keeps
its traceback.
"""


class UserError(Exception):
    """Something the person can mend. The message says what is wrong and names the remedy.

    It never holds a secret, and it is shown as it stands in a terminal or in Discord.
    """
