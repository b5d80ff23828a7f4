"""The one exception that a user is meant to read."""


class SurgeError(ValueError):
    """Something the user gave can't be used; the message is one sentence: what is wrong and what to do."""


def first_line(problem: BaseException) -> str:
    """What an exception of a library says, in one line of at most 160 characters."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:160]


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: NumPy and the kernel say so by their type, torch by its words."""
    words = str(error).lower()
    torch = isinstance(error, RuntimeError) and ("out of memory" in words or "allocate memory" in words)
    return torch or isinstance(error, MemoryError)
