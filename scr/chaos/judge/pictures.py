"""Two pictures of a campaign, as SVG: the processes of one run with faults and recoveries, and how long each was felt.

Pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.evidence import RunEvent
from scr.chaos.judge.recovery import Recovery, percentile
from scr.chaos.plan.kinds import ENDERS

WIDTH, LEFT, ROW, TOP = 960, 130, 20, 40
SHOWN_S = 60.0
FASTEST_S, SLOWEST_S = 0.001, 30.0
STYLE = (
    "text{font:12px sans-serif;fill:#222}.up{fill:#9ec5a7}.ends{stroke:#c0392b;stroke-width:2}"
    ".other{stroke:#d68910;stroke-width:2}.dot{fill:#2e6da4;fill-opacity:.45}.mark{stroke:#222;stroke-width:2}"
    ".axis{stroke:#ccc}"
)


def svg(height: float, body: Iterable[str], title: str) -> str:
    """A whole picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f'<rect width="{WIDTH}" height="{height:g}" fill="#fff"/>{"".join(body)}</svg>\n'
    )


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """A few words."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A stroke."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def timeline(events: Sequence[RunEvent], landed: Sequence[Landed]) -> str:
    """When each agent was up (green), and what hit whom (red: it ends the process; orange: it does not)."""
    origin = events[0].at if events else 0.0
    end = min(SHOWN_S, max((event.at for event in events), default=origin) - origin) or 1.0
    lives = lives_of(events, origin, end)
    names = list(dict.fromkeys(["runtime", *lives, *(fault.victim for fault in landed)]))
    rows = {name: TOP + ROW * place for place, name in enumerate(names)}
    scale = (WIDTH - LEFT - 20) / end
    body = [text(10, 22, "Processes of one run: up (green), hit by a fault (red: it ends them; orange: it does not)")]
    for name, y in rows.items():
        body.append(text(LEFT - 8, y + 12, name, "end"))
        for up, down in lives.get(name, ()):
            width = max(0.5, (down - up) * scale)
            body.append(f'<rect x="{LEFT + up * scale:.1f}" y="{y}" width="{width:.1f}" height="14" class="up"/>')
    for fault in landed:
        if 0 <= fault.at - origin <= end:
            x, y = LEFT + (fault.at - origin) * scale, rows[fault.victim]
            body.append(line(x, y - 2, x, y + 16, "ends" if fault.kind in ENDERS else "other"))
    height = TOP + ROW * len(rows) + 30
    body += [
        text(LEFT + tick * scale, height - 10, f"{tick:g} s", "middle")
        for tick in range(0, int(end) + 1, 10 if end > 20 else 2)
    ]
    return svg(height, body, "Faults and recoveries of the processes of one run")


def lives_of(events: Iterable[RunEvent], origin: float, end: float) -> dict[str, list[tuple[float, float]]]:
    """From when to when each agent was up, in seconds from the origin."""
    lives: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    since: dict[str, float] = {}
    for event in events:
        at = min(event.at - origin, end)
        agent = str(event.body.get("agent", ""))
        if event.kind == "agent_up":
            since[agent] = at
        elif event.kind == "agent_exited" and agent in since:
            lives[agent].append((since.pop(agent), at))
        elif event.kind == "runtime_up":
            for other in tuple(since):
                lives[other].append((since.pop(other), at))
            since["runtime"] = at
    for agent, at in since.items():
        lives[agent].append((at, end))
    return dict(lives)


def distributions(recoveries: Sequence[Recovery]) -> str:
    """One dot for each fault of each kind, on a logarithmic axis; a stroke at the median."""
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for one in recoveries:
        if one.after_s is not None:
            groups[one.landed.kind].append(one.after_s)
    body = [text(10, 22, "How long each kind of fault was felt: one dot each, a stroke at the median")]
    height = TOP + ROW * len(groups) + 40
    body += axis(height)
    for place, (kind, times) in enumerate(sorted(groups.items())):
        y = TOP + ROW * place + 8
        body.append(text(LEFT - 8, y + 4, kind, "end"))
        body += [f'<circle cx="{_x(at):.1f}" cy="{y}" r="2.5" class="dot"/>' for at in thinned(times)]
        middle = _x(percentile(times, 0.5))
        body.append(line(middle, y - 7, middle, y + 7, "mark"))
    return svg(height, body, "How long each kind of fault was felt")


def axis(height: float) -> Iterator[str]:
    """Powers of ten."""
    for at, name in ((0.001, "1 ms"), (0.01, "10 ms"), (0.1, "100 ms"), (1.0, "1 s"), (10.0, "10 s")):
        yield line(_x(at), TOP - 8, _x(at), height - 28, "axis")
        yield text(_x(at), height - 10, name, "middle")


def thinned(times: Sequence[float], most: int = 400) -> list[float]:
    """Evenly spread over the ordered values, so that a picture stays small."""
    ordered = sorted(times)
    step = max(1, len(ordered) // most)
    return [*ordered[::step], ordered[-1]]


def _x(at: float) -> float:
    share = math.log(max(FASTEST_S, min(SLOWEST_S, at)) / FASTEST_S) / math.log(SLOWEST_S / FASTEST_S)
    return LEFT + share * (WIDTH - LEFT - 20)
