"""The canonical form of a value: JSON that is the same for equal values of the same type, in any process.

Pure.  Two values have the same form exactly if a step that was given one may
be given the other: 1, True, 1.0 and "1" have four.  What has no value (a lock,
a socket, a generator) has no form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from itertools import chain
from operator import itemgetter
from types import FunctionType, MethodType
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic_core import to_json

from scr.agent.functions import ABSENT, added_by, carried, is_made, name_of, owner_of, unwrapped, wrappers_of

Form: TypeAlias = Any

DEPTH_MAX = 200
CONTAINERS_MAX = 500_000
SCALARS = frozenset({str, int, bool, float, type(None)})
STRINGS = frozenset({str})


class Uncounted:
    """Base of what is no argument wherever it appears: the agent and what it is given to act by."""

    __slots__ = ()


class NoForm(Exception):
    """A value has no canonical form; says why."""


class Forms:
    """Makes the forms of the values of one call.  `uncounted` says of a text whether it is no argument either."""

    def __init__(self, uncounted: Callable[[str], bool] = lambda _: False) -> None:
        self._uncounted = uncounted
        self._path: dict[int, int] = {}
        self._left = CONTAINERS_MAX

    def of(self, value: Any) -> Form:
        """The form of one value.  Raises NoForm, RecursionError."""
        form = flat(value)
        return self._inside(type(value), value) if form is ABSENT else form

    def counts(self, value: Any) -> bool:
        """Whether a value is an argument at all."""
        return not (isinstance(value, Uncounted) or (isinstance(value, str) and self._uncounted(value)))

    def _inside(self, kind: type, value: Any) -> Form:
        if not self.counts(value):
            return ("uncounted",)
        if id(value) in self._path:
            return ("again", self._path[id(value)])
        if len(self._path) >= DEPTH_MAX:
            raise NoForm(f"it is nested deeper than {DEPTH_MAX}")
        self._left -= 1
        if not self._left:
            raise NoForm(f"it has more than {CONTAINERS_MAX} parts")
        self._path[id(value)] = len(self._path)
        try:
            return self._parts(kind, value)
        finally:
            del self._path[id(value)]

    def _parts(self, kind: type, value: Any) -> Form:
        if kind is dict:
            return ("dict", *self._pairs(value))
        if kind in (list, tuple):
            return (kind.__name__, *map(self.of, value))
        if isinstance(value, type):
            return ("class", name_of(value))
        if isinstance(value, Enum):
            return ("enum", name_of(kind), value.name or self.of(value.value))
        if is_dataclass(value):
            names = (field.name for field in fields(value) if field.compare)
            return (name_of(kind), *self._named((name, getattr(value, name, ABSENT)) for name in names))
        if isinstance(value, BaseModel):
            held, extra = vars(value), value.__pydantic_extra__ or {}
            named = ((name, held.get(name, ABSENT)) for name in kind.__pydantic_fields__)  # type: ignore[attr-defined]
            return (name_of(kind), *self._named(chain(named, extra.items())))
        if attributes := getattr(kind, "__attrs_attrs__", ()):
            names = (attribute.name for attribute in attributes if attribute.eq)
            return (name_of(kind), *self._named((name, getattr(value, name, ABSENT)) for name in names))
        if rule := rule_of(kind):
            return (name_of(kind), *rule(self, value))
        shown = name_of(kind).replace(":", ".").removeprefix("builtins.")
        raise NoForm(f"a {shown} has no value by which it could be told from another")

    def _pairs(self, value: Any) -> Iterator[Form]:
        """The keys and values of a mapping, in turn, in the order of the keys."""
        if STRINGS.issuperset(map(type, value)):
            return self._named(value.items())
        keyed = sorted(((written(form), form, key) for key in value if [form := self.of(key)]), key=itemgetter(0))
        return chain.from_iterable((form, self.of(value[key])) for _, form, key in keyed)

    def _named(self, pairs: Iterable[tuple[str, Any]]) -> Iterator[Form]:
        """Names and values, in turn, in the order of the names."""
        return chain.from_iterable((name, self.of(value)) for name, value in sorted(pairs, key=itemgetter(0)))

    def _set(self, value: Any) -> Iterator[Form]:
        if STRINGS.issuperset(map(type, value)):
            return iter(sorted(value))
        return map(itemgetter(1), sorted(((written(form), form) for form in map(self.of, value)), key=itemgetter(0)))

    def _based(self, base: Callable[[Any], Form], value: Any) -> Iterator[Form]:
        """A value of a subclass of a built-in type: what it is as that, and what it has beyond."""
        yield base(value)
        yield from self._named(getattr(value, "__dict__", {}).items())

    def _function(self, fn: Any) -> Iterator[Form]:
        """A function by its name, and a local one by what it brings along too."""
        for wrapper in wrappers_of(fn):
            yield from self._named(added_by(wrapper, is_value))
        fn = unwrapped(fn)
        yield name_of(fn)
        if isinstance(fn, FunctionType) and is_made(fn):
            yield from self._named(carried(fn, is_value))

    def _method(self, method: Any) -> Iterator[Form]:
        yield name_of(method)
        if owner := owner_of(method):
            yield self.of(owner[0])
        if isinstance(method, MethodType):
            yield from self._function(method.__func__)

    def _partial(self, bound: Any) -> Iterator[Form]:
        return map(self.of, (bound.func, bound.args, bound.keywords))


def flat(value: Any) -> Form:
    """The form of a value without parts, or with parts that have none; ABSENT for any other."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind in (list, tuple) and SCALARS.issuperset(map(type, value)):
        return (kind.__name__, *value)
    if kind is dict and STRINGS.issuperset(map(type, value)) and SCALARS.issuperset(map(type, value.values())):
        return ("dict", *chain.from_iterable(sorted(value.items())))
    return ABSENT


def written(form: Form) -> bytes:
    """A form as bytes."""
    try:
        return to_json(form, inf_nan_mode="constants")
    except ValueError:  # half a surrogate pair
        return json.dumps(form).encode()


Rule: TypeAlias = Callable[[Forms, Any], Iterable[Form]]


def rule_of(kind: type) -> Rule | None:
    """The rule for a type, or for the first of its bases that has one."""
    return next((rule for base in kind.__mro__ if (rule := RULES.get(f"{base.__module__}.{base.__qualname__}"))), None)


def is_value(value: Any) -> bool:
    """Whether a value has a form and cannot change."""
    if type(value) in SCALARS:
        return True
    try:
        hash(value)
        Forms().of(value)
    except Exception:  # noqa: BLE001  its own `__hash__` or the like, too
        return False
    return True


def _text(_forms: Forms, value: Any) -> Iterable[Form]:
    return (str(value),)


def _shown(_forms: Forms, value: Any) -> Iterable[Form]:
    return (repr(value),)


def _moment(forms: Forms, value: Any) -> Iterable[Form]:
    zone = getattr(value, "tzinfo", None)
    is_known = zone is None or rule_of(type(zone))
    return (value.isoformat(), getattr(value, "fold", 0), forms.of(zone) if is_known else value.tzname())


_PRIVATE = Forms._set, Forms._function, Forms._method, Forms._partial  # noqa: SLF001  rules of this module
_SET, _FUNCTION, _METHOD, _PARTIAL = _PRIVATE


def _subclass(base: Callable[[Forms, Any], Form]) -> Rule:
    return lambda forms, value: forms._based(partial(base, forms), value)  # noqa: SLF001  the same


RULES: dict[str, Rule] = {  # by name: a type that a process has not loaded, it has no value of
    "builtins.set": _SET,
    "builtins.frozenset": _SET,
    "builtins.str": _subclass(lambda _, value: str.__str__(value)),
    "builtins.int": _subclass(lambda _, value: int(value)),
    "builtins.float": _subclass(lambda _, value: float(value)),
    "builtins.bytes": _subclass(lambda _, value: bytes(value).hex()),
    "builtins.bytearray": lambda _, value: (bytes(value).hex(),),
    "builtins.memoryview": lambda _, value: (value.tobytes().hex(), value.format, value.shape),
    "builtins.list": _subclass(lambda forms, value: tuple(map(forms.of, list.__iter__(value)))),
    "builtins.tuple": _subclass(lambda forms, value: tuple(map(forms.of, tuple.__iter__(value)))),
    "builtins.dict": _subclass(lambda forms, value: tuple(forms._pairs(dict(value)))),  # noqa: SLF001  the same
    "builtins.complex": _shown,
    "builtins.range": _shown,
    "builtins.slice": lambda forms, value: map(forms.of, (value.start, value.stop, value.step)),
    "builtins.ellipsis": _shown,
    "builtins.NotImplementedType": _shown,
    "builtins.mappingproxy": lambda forms, value: forms._pairs(dict(value)),  # noqa: SLF001  the same
    "builtins.BaseException": lambda forms, value: forms._based(lambda error: forms.of(error.args), value),  # noqa: SLF001  the same
    "builtins.function": _FUNCTION,
    "builtins.method": _METHOD,
    "builtins.builtin_function_or_method": _METHOD,
    "builtins.method-wrapper": _METHOD,
    "builtins.wrapper_descriptor": _FUNCTION,
    "builtins.method_descriptor": _FUNCTION,
    "builtins.module": lambda _, value: (value.__name__,),
    "functools.partial": _PARTIAL,
    "functools._lru_cache_wrapper": _FUNCTION,
    "collections.deque": lambda forms, value: (value.maxlen, *map(forms.of, value)),
    "types.SimpleNamespace": lambda forms, value: forms._named(vars(value).items()),  # noqa: SLF001  the same
    "types.GenericAlias": _shown,
    "types.UnionType": _shown,
    "typing._Final": _shown,
    "typing.TypeVar": _shown,
    "datetime.datetime": _moment,
    "datetime.date": _moment,
    "datetime.time": _moment,
    "datetime.timedelta": lambda _, value: (value.days, value.seconds, value.microseconds),
    "datetime.timezone": _shown,
    "zoneinfo.ZoneInfo": lambda _, value: (value.key,),
    "decimal.Decimal": _text,
    "fractions.Fraction": _text,
    "uuid.UUID": _text,
    "pathlib.PurePath": _text,
    "ipaddress._IPAddressBase": _text,
    "re.Pattern": lambda _, value: (
        value.pattern if isinstance(value.pattern, str) else value.pattern.hex(),
        value.flags,
    ),
    "logging.Logger": lambda _, value: (value.name,),
    "pydantic_core._pydantic_core.Url": _text,
    "pydantic_core._pydantic_core.MultiHostUrl": _text,
    "pydantic.networks._BaseUrl": _text,
    "pydantic.networks._BaseMultiHostUrl": _text,
    "pydantic.types._SecretBase": lambda forms, value: (forms.of(value.get_secret_value()),),
}
