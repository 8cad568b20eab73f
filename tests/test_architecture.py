"""The allowed direction of imports, which modules stay pure, and how large a function may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "scr"
ROWS = [  # a module imports only from rows below its own, or from its own part
    {"cli"},
    {"serve", "replay", "chaos"},
    {"runtime"},
    {"agents"},
    {"research", "behaviour", "supervise", "turns"},
    {"mail", "memory", "store"},
    {"launch"},
    {"step_names"},
    {"telemetry", "frames"},
    {"specs", "charging"},
    {"messages"},
    {"retry"},
    {"values"},
    {"environment"},
    {"config", "failpoints"},
    {"bounds"},
    {"errors"},
]
DEPTH = {part: row for row, parts in enumerate(ROWS) for part in parts}
PURE = {
    "behaviour.arguments",
    "behaviour.canonical",
    "behaviour.claims",
    "behaviour.functions",
    "behaviour.identity",
    "bounds",
    "chaos.checker",
    "chaos.ends",
    "chaos.evidence",
    "chaos.faults",
    "chaos.figures",
    "chaos.kinds",
    "chaos.landed",
    "chaos.pictures",
    "chaos.recovery",
    "chaos.report",
    "chaos.said",
    "chaos.shrink",
    "chaos.tries",
    "charging",
    "frames",
    "launch.status",
    "messages",
    "retry",
    "specs",
    "step_names",
    "values",
    "mail.mailbox",
    "mail.names",
    "mail.pending",
    "mail.retrying",
    "mail.registry",
    "turns.timing",
    "turns.steps",
    "turns.states",
    "turns.outcomes",
    "turns.orders",
    "turns.machine",
    "turns.happenings",
    "turns.failing",
    "turns.events",
    "turns.doubts",
    "turns.deliveries",
    "turns.commits",
    "turns.arrivals",
    "mail.router",
    "replay.compare",
    "replay.outcome",
    "runtime.charter",
    "runtime.requests",
    "runtime.rings",
    "runtime.tree",
    "serve.ends",
    "serve.happenings",
    "serve.offers",
    "serve.requests",
    "serve.schedule",
    "serve.trade",
    "store.checks",
    "store.dates",
    "store.findings",
    "store.history",
    "store.listed",
    "store.records",
    "supervise.exits",
    "supervise.facts",
    "supervise.orders",
    "supervise.policy",
    "supervise.tree",
    "telemetry.crashes",
    "telemetry.events",
    "telemetry.log_lines",
    "telemetry.output",
    "telemetry.plain",
    "turns.outcome",
    "turns.question_events",
    "turns.questions",
}
ALLOWED_IN_PURE = {
    "bounds",
    "__future__",
    "bisect",
    "collections",
    "dataclasses",
    "difflib",
    "enum",
    "functools",
    "hashlib",
    "heapq",
    "html",
    "itertools",
    "json",
    "math",
    "operator",
    "pydantic",
    "pydantic_core",
    "re",
    "reprlib",
    "signal",
    "types",
    "typing",
}
ALSO_PURE = {"config", "errors", "supervise"}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if not name.startswith("__"):
            yield name.removesuffix(".__init__"), ast.parse(path.read_text())


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            is_package = (ROOT.parent / node.module.replace(".", "/")).is_dir()
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if is_package else (node.module,)


def faults(name, target):
    part, (top, _, rest) = name.partition(".")[0], target.partition(".")
    if top != "scr":
        return name in PURE and top not in ALLOWED_IN_PURE
    other = rest.partition(".")[0]
    if name in PURE and rest not in PURE and other not in ALSO_PURE:
        return True
    return part != other and DEPTH[other] <= DEPTH[part]


def test_imports_point_down_and_pure_modules_stay_pure():
    assert not [
        f"{name} imports {target}" for name, tree in modules() for target in imports(tree) if faults(name, target)
    ]


def test_every_part_has_its_row():
    assert {name.partition(".")[0] for name, _ in modules()} - {"corpus"} <= set(DEPTH)


def test_no_function_imports():
    hidden = [
        f"{name}:{inner.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden


def test_no_function_is_longer_than_sixty_lines_and_no_file_than_three_hundred_and_fifty():
    long = [
        f"{name}.{node.name}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno > 60
    ]
    large = [str(path) for path in ROOT.rglob("*.py") if len(path.read_text().splitlines()) > 350]
    assert not long + large


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("mail.router", "scr.runtime.turns"),
        ("behaviour.loop", "scr.supervise.policy"),
        ("supervise.policy", "time"),
        ("supervise.policy", "scr.launch.reaper"),
        ("launch.zygote", "scr.mail.channel"),
    ],
)
def test_the_check_refuses_what_it_must(name, target):
    assert faults(name, target)
