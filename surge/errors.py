"""The one exception that a user is meant to read."""


class SurgeError(ValueError):
    """Something the user gave can't be used; the message is one sentence: what is wrong and what to do."""
