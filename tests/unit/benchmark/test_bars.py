from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from benchmark.bars import BAR, MARGIN, NAMES, WIDTH, panels_of, place, svg
from benchmark.case import FLOOR, OURS, Case, Row
from benchmark.contest import Outcome

NAMESPACE = {"s": "http://www.w3.org/2000/svg"}
CASE = Case(
    "trip",
    "Trip",
    (Row("pair", "between <two>", "us", drawn=True), Row("quiet", "not drawn", "us")),
    full={},
    quick={},
)
RATES = Case("rate", "Rate", (Row("one", "one to one", "/s", more_is_better=True, drawn=True),), full={}, quick={})


def outcomes(row, **values):
    return {name: Outcome(values={row: [value]}) for name, value in values.items()}


def drawing(found, caption="a machine"):
    return ET.fromstring(svg(found, {"trip": CASE, "rate": RATES}, caption))


def bars(picture):
    """Where each bar begins and ends, from the top."""
    rects = [rect for rect in picture.iterfind("s:rect", NAMESPACE) if rect.get("rx")]
    return [(float(rect.get("x")), float(rect.get("x")) + float(rect.get("width"))) for rect in rects]


def test_a_value_is_placed_by_its_logarithm():
    left, right = place(1.0, 0, 2), place(100.0, 0, 2)
    assert left == MARGIN + NAMES
    assert place(10.0, 0, 2) == pytest.approx((left + right) / 2)


def test_the_best_is_on_top_whether_more_is_better_or_less():
    values = {FLOOR: 1e-6, OURS: 3e-6, "ray": 2e-6}
    (less,) = panels_of(CASE, outcomes("pair", **values))
    (more,) = panels_of(RATES, outcomes("one", **values))
    assert [name for name, _ in less.bars] == [FLOOR, "ray", OURS]
    assert [name for name, _ in more.bars] == [OURS, "ray", FLOOR]


def test_a_row_that_only_one_side_has_a_figure_in_is_not_drawn():
    assert list(panels_of(CASE, outcomes("pair", SCR=1e-6))) == []
    assert list(panels_of(CASE, outcomes("quiet", SCR=1e-6, ray=1e-6))) == []


@pytest.mark.parametrize(
    "values",
    [
        {FLOOR: 10e-6, OURS: 30e-6},
        {FLOOR: 10e-6, OURS: 10e-6},
        {FLOOR: 24e-6, OURS: 80e-6, "ray": 750e-6},
        {FLOOR: 1e-6, OURS: 1e-5, "loky": 1e-4, "ray": 1e-3, "dask": 1.0, "celery": 30.0},
    ],
    ids=["no peers", "all alike", "one peer", "many peers"],
)
def test_every_bar_can_be_seen_and_is_within_the_picture(values):
    picture = drawing({"trip": outcomes("pair", **values)})
    found = bars(picture)
    height = float(picture.get("viewBox").split()[3])
    assert len(found) == len(values)
    assert all(begin == MARGIN + NAMES and end - begin > BAR / 2 for begin, end in found)
    assert max(end for _, end in found) <= WIDTH - MARGIN - 80
    assert [end for _, end in found] == sorted(end for _, end in found)
    assert all(0 < float(text.get("y")) < height for text in picture.iterfind("s:text", NAMESPACE))


def test_panels_lie_beneath_each_other_and_do_not_overlap():
    picture = drawing(
        {"trip": outcomes("pair", SCR=1e-5, floor=1e-6, ray=1e-3), "rate": outcomes("one", SCR=5000.0, floor=90_000.0)}
    )
    tops = [float(rect.get("y")) for rect in picture.iterfind("s:rect", NAMESPACE) if rect.get("rx")]
    assert len(tops) == 5
    assert all(below - above >= BAR for above, below in pairwise(tops))


def test_a_picture_of_nothing_is_a_picture_with_its_caption():
    picture = drawing({})
    assert bars(picture) == []
    assert [text.text for text in picture.iterfind("s:text", NAMESPACE)] == ["a machine"]


def test_a_long_caption_is_broken_into_lines_that_lie_within_the_picture():
    picture = drawing({}, caption="two cores of some kind, " * 20)
    lines = list(picture.iterfind("s:text", NAMESPACE))
    assert len(lines) > 2
    assert max(float(line.get("y")) for line in lines) < float(picture.get("viewBox").split()[3])
