"""What a setting may be, said by its type and checked in one place."""

from __future__ import annotations

import json
from dataclasses import dataclass, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from surge.errors import SurgeError


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may be, both ends among them; of a list, what each of its numbers may be."""

    low: float
    high: float

    def __contains__(self, value: Any) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"from {_written(self.low)} to {_written(self.high)}"


Sizes = Annotated[tuple[int, ...], Range(1, 4096)]  # of one or more layers


def _written(number: float) -> str:
    return f"{int(number):,}" if abs(number) >= 10_000 else f"{number:g}"


def _shown(value: Any) -> str:
    """A setting as it is typed."""
    return json.dumps(value) if isinstance(value, bool | tuple | None) else repr(value)


def require(condition: bool, sentence: str) -> None:
    """A SurgeError with this sentence where a setting is impossible."""
    if not condition:
        raise SurgeError(sentence)


def types(kind: Any) -> dict[str, Any]:
    """The type of each setting of a configuration by its name."""
    return get_type_hints(kind, include_extras=True)


def is_config(one: Any) -> bool:
    """Whether it is a configuration, or the type of one."""
    return is_dataclass(one)


def check(config: Any) -> None:
    """Every setting is what its type says, else a SurgeError.

    The types: bool; str; Literal, one of its words; Annotated with a `Range`, a number or a list of whole ones; one of
    these or None; another configuration.
    """
    for name, kind in types(type(config)).items():
        object.__setattr__(config, name, _plain(getattr(config, name)))
        _check(name, getattr(config, name), kind)


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's, a list as a tuple."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_plain, value)) if isinstance(value, list) else value


def _check(name: str, value: Any, kind: Any) -> None:
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    said = f"The setting {name} is {_shown(value)}; it must be"
    if kind is bool:
        require(isinstance(value, bool), f"{said} true or false.")
    elif is_config(kind):
        require(isinstance(value, kind), f"The setting {name} is {value!r}; it must be {kind.__name__}(...).")
    elif kind is str:
        require(isinstance(value, str), f"{said} a word.")
    elif get_origin(kind) is Literal:
        require(isinstance(value, str) and value in get_args(kind), f"{said} one of {', '.join(get_args(kind))}.")
    else:
        number, limits = get_args(kind)
        if number in (int, float):
            word = "a whole number" if number is int else "a number"
            require(_is_number(value, number) and value in limits, f"{said} {word} {limits}.")
        else:
            ok = isinstance(value, tuple) and len(value) > 0
            ok = ok and all(_is_number(one, int) and one in limits for one in value)
            require(ok, f"{said} a list of one or more whole numbers {limits}.")


def _is_number(value: Any, number: type) -> bool:
    return isinstance(value, int if number is int else int | float) and not isinstance(value, bool)
