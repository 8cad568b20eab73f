"""An exception is described whatever its own code does, and so is any value."""

import pytest

from scr.agent.descriptions import TRACEBACK_CHARACTERS, described, printable, shown
from scr.protocol.frames import Exiting


class Raising(Exception):
    def __str__(self):
        raise RuntimeError("broken")


class Recursive(Exception):
    def __str__(self):
        return str(self)


class Interrupting(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class Numeric(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307


class Noted(Exception):
    @property
    def __notes__(self):
        raise ValueError("no notes")


class Traceless(Exception):
    __traceback__ = property(lambda self: 1 / 0)


class Causeless(Exception):
    __cause__ = property(lambda self: 1 / 0)


class Nameless(type):
    @property
    def __name__(cls):
        raise ValueError("no name")


class Anonymous(Exception, metaclass=Nameless):
    pass


class Slippery(str):  # noqa: SLOT000
    def __getitem__(self, _):
        raise ValueError("cannot be cut")


class Evasive(Exception):
    def __str__(self):
        return Slippery("text")


def the_place(error):
    raise error


def raised(error):
    try:
        the_place(error)
    except BaseException as caught:  # noqa: BLE001
        return caught


TEXTLESS = "<its text cannot be had: "


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (Raising(), "Raising", f"{TEXTLESS}RuntimeError>"),
        (Recursive(), "Recursive", f"{TEXTLESS}RecursionError>"),
        (Interrupting(), "Interrupting", f"{TEXTLESS}KeyboardInterrupt>"),
        (Numeric(), "Numeric", f"{TEXTLESS}TypeError>"),
        (Evasive(), "Evasive", f"{TEXTLESS}ValueError>"),
        (Noted("said"), "Noted", "said"),
        (Traceless("said"), "Traceless", "said"),
        (Causeless("said"), "Causeless", "said"),
        (Anonymous("said"), "Anonymous", "said"),
        (ValueError("x\ud800y\0"), "ValueError", "x\\ud800y\\x00"),
        (OSError("name\udcff"), "OSError", "name\\udcff"),
        (ValueError("long" * 10**6), "ValueError", "long" * 500),
        (SystemExit(Raising()), "SystemExit", f"{TEXTLESS}RuntimeError>"),
        (BaseExceptionGroup("both", [Raising(), KeyboardInterrupt()]), "BaseExceptionGroup", "both (2 sub-exceptions)"),
        (type("N" * 10**5, (Exception,), {"__module__": "m\ud800"})("said"), "N" * 200, "said"),
    ],
)
def test_an_exception_has_its_type_its_text_and_its_place_whatever_its_code_does(error, kind, message):
    said = described(raised(error))
    assert (said["error_type"], said["message"]) == (kind, message)
    assert "in the_place" in said["traceback"]
    Exiting(reason="error", **said).model_dump_json().encode()


def test_a_cause_that_cannot_be_formatted_hides_nothing_of_what_it_caused():
    try:
        try:
            the_place(Raising())
        except Raising as cause:
            raise ValueError("outer") from cause
    except ValueError as error:
        said = described(error)
    assert said["message"] == "outer"
    assert "in the_place" in said["traceback"]
    assert said["traceback"].endswith("ValueError: outer\n")


def test_the_place_of_a_deep_exception_with_a_long_text_is_not_cut_off():
    def deeper(depth):
        return deepest(depth - 1) if depth else the_place(ValueError("x" * 10**6))

    def deepest(depth):
        return deeper(depth)

    try:
        deeper(200)
    except ValueError as error:
        said = described(error)
    assert len(said["traceback"]) == TRACEBACK_CHARACTERS
    assert said["traceback"].startswith("Traceback (most recent call last):\n")
    assert "in the_place" in said["traceback"]


def test_a_value_that_cannot_be_shown_is_told_as_such():
    class Shy:
        def __repr__(self):
            raise RuntimeError("no")

    deep = []
    for _ in range(5000):
        deep = [deep]
    assert shown(Shy()) == f"{TEXTLESS}RuntimeError>"
    assert shown(deep) == f"{TEXTLESS}RecursionError>"
    assert shown("x" * 1000) == "'" + "x" * 199


def test_text_without_oddities_is_as_it_was():
    assert printable("grün — 🐍\n\t") == "grün — 🐍\n\t"
