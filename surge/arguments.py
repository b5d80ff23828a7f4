"""What somebody may give to a function from Python: each argument becomes what the function needs, or a sentence."""

from __future__ import annotations

import difflib
import inspect
import math
import operator
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from surge.errors import SurgeError

Kind = Callable[[Any, str], Any]  # of what was given and the name of the argument
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Class = TypeVar("Class")

LONGEST_SHOWN = 60  # characters of a wrong value in a message
LONGEST_PART = 200  # bytes of a file's name, of the 255 that most systems have: partial files have longer ones
LARGEST_EXACT_FLOAT = 2**53  # integers beyond are not exact as floats, so a float that large is no id


def arguments(
    public: str = "", /, **kinds: Kind
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """A function whose arguments of these names are checked, each by its kind. One that it doesn't have, or that is
    missing, is a SurgeError too, and so is a file or folder that can't be read or written. `public`: what messages call
    the function, where it isn't called so."""

    def checked(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        signature = inspect.signature(function)
        own = public or function.__name__

        @wraps(function)
        def call(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()):
                refuse_unknown(own, named, signature.parameters)
            try:
                bound = signature.bind(*args, **named)
            except TypeError as problem:
                raise SurgeError(f"{own}: {problem}; it takes {_listed(signature.parameters)}") from None
            for name, kind in kinds.items():
                if name in bound.arguments:
                    bound.arguments[name] = kind(bound.arguments[name], name)
            try:
                return function(*bound.args, **bound.kwargs)
            except BrokenPipeError:  # whoever read what is printed has gone
                raise
            except OSError as problem:
                where = f": {problem.filename}" if problem.filename else ""
                reason = problem.strerror or problem
                raise SurgeError(f"{reason}{where}; check the path, its permissions and the disk") from problem

        return call

    return checked


def settings(kind: type[Class]) -> type[Class]:
    """A dataclass that is made of `arguments`."""
    kind.__init__ = arguments(kind.__name__)(kind.__init__)  # type: ignore[misc, method-assign]
    return kind


def refuse_unknown(function: str, given: Iterable[str], known: Iterable[str], what: str = "argument") -> None:
    """A SurgeError where a name is given that is none of the known ones; it says which is alike."""
    known = list(known)
    for name in given:
        if name not in known:
            alike = difflib.get_close_matches(str(name), known, n=1)
            hint = f"is {alike[0]} meant?" if alike else f"it takes {_listed(known)}"
            raise SurgeError(f"{function} has no {what} {name!r}; {hint}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name for name in names if name not in ("self", "cls"))


def shown(given: object) -> str:
    """A wrong value in a sentence: as it is where it is short, else what it is."""
    if isinstance(given, str | bytes | int | float | Path | list | tuple | dict | set | None):
        try:
            text = repr(str(given) if isinstance(given, Path) else given)
        except ValueError:
            return "a number of thousands of digits"
        return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
    return f"a {type(given).__name__}"


# -- kinds ------------------------------------------------------------------------------------------------


def optional(kind: Kind) -> Kind:
    """The same, or None."""
    return lambda given, name: None if given is None else kind(given, name)


def path(given: Any, name: str) -> Path:
    try:
        found = Path(given)
    except TypeError as problem:
        raise SurgeError(f"{name} is {shown(given)}; give a path") from problem
    if not str(given):
        raise SurgeError(f"{name} is ''; give a path")
    return found


def new_path(given: Any, name: str) -> Path:
    """Of what is to be written."""
    found = path(given, name)
    if "\0" in str(found):
        raise SurgeError(f"{name} is {shown(given)}; give a path without a null character")
    if any(len(os.fsencode(part)) > LONGEST_PART for part in found.parts):
        raise SurgeError(f"{name} is {shown(given)}, which is too long for a file's name; give a shorter one")
    return found


def text(given: Any, name: str) -> str:
    if not isinstance(given, str):
        raise SurgeError(f"{name} is {shown(given)}; give a text")
    return str(given)


def identifier(given: Any, name: str) -> str:
    """The id of a user or an item, as a dataset has it: text as it is, a whole number as its digits."""
    if isinstance(given, str):
        return str(given)
    if isinstance(given, UUID):
        return str(given)
    try:
        if isinstance(given, bytes):
            return given.decode()
        if isinstance(given, Integral) and not isinstance(given, bool):
            return str(int(given))
        exact = isinstance(given, Decimal) or (isinstance(given, Real) and abs(float(given)) <= LARGEST_EXACT_FLOAT)
        if exact and not isinstance(given, bool) and math.floor(given) == given:
            return str(math.floor(given))
    except (ValueError, OverflowError, ArithmeticError):  # no UTF-8, no finite number, one of thousands of digits
        pass
    raise SurgeError(f"{name} is {shown(given)}; give an id, a text or a whole number")


def flag(given: Any, name: str) -> bool:
    if type(given).__name__ != "bool":  # NumPy's is called so, too
        raise SurgeError(f"{name} is {shown(given)}; give True or False")
    return bool(given)


def whole(least: int | None = None, most: int = 2**31 - 1) -> Kind:
    """A whole number, NumPy's among them, from `least` to `most`."""

    def number(given: Any, name: str) -> int:
        try:
            found = None if isinstance(given, bool) else operator.index(given)
        except TypeError:
            found = None
        if found is not None and found > most:
            raise SurgeError(f"{name} is {shown(given)}; give a whole number of {most} at most")
        if found is None or (least is not None and found < least):
            told = "" if least is None else f" from {least}"
            raise SurgeError(f"{name} is {shown(given)}; give a whole number{told}")
        return found

    return number


def number(given: Any, name: str) -> float:
    """A finite number, NumPy's among them."""
    if not isinstance(given, Real) or isinstance(given, bool) or not math.isfinite(given):
        raise SurgeError(f"{name} is {shown(given)}; give a number")
    return float(given)


def called(given: Any, name: str) -> Any:
    if not callable(given):
        raise SurgeError(f"{name} is {shown(given)}; give a function")
    return given


def one_of(choices: Collection[str], what: str) -> Kind:
    def chosen(given: Any, name: str) -> str:
        if not isinstance(given, str) or given not in choices:
            raise SurgeError(f"there is no {what} {shown(given)}; choose from {', '.join(choices)}")
        return str(given)

    return chosen


def several(kind: Kind) -> Kind:
    """A list of one kind; a single text, number or path is a list of one."""

    def listed(given: Any, name: str) -> list[Any]:
        if isinstance(given, str | bytes | Path | Real | UUID):
            given = [given]
        if isinstance(given, Mapping) or hasattr(given, "columns") or not isinstance(given, Iterable):
            raise SurgeError(f"{name} is {shown(given)}; give one or a list of them")
        return [kind(one, f"one of {name}") for one in given]

    return listed
