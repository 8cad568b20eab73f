"""The allowed direction of imports, which modules stay pure, and how large a function may be."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "scr"
ROWS = [  # a module imports only from rows below its own, or from its own part
    {"cli", "examples"},
    {"chaos"},
    {"apps"},
    {"server", "replay"},
    {"views"},
    {"client"},
    {"runtime"},
    {"services"},
    {"agent", "supervise", "turns"},
    {"mail", "table", "store"},
    {"step_names"},
    {"protocol"},
    {"launch"},
    {"telemetry"},
    {"specs", "charging"},
    {"messages"},
    {"retry"},
    {"values"},
    {"environment"},
    {"environment_settings"},
    {"config", "failpoints"},
    {"bounds"},
    {"errors", "exit_codes", "moved"},
]
DEPTH = {part: row for row, parts in enumerate(ROWS) for part in parts}
PURE = {
    "moved",
    "protocol.status",
    "agent.arguments",
    "agent.steps.canonical",
    "agent.steps.claims",
    "agent.functions",
    "agent.steps.identity",
    "bounds",
    "chaos.judge.checker",
    "chaos.judge.ends",
    "chaos.judge.evidence",
    "chaos.plan.faults",
    "chaos.judge.figures",
    "chaos.plan.kinds",
    "chaos.inject.fault_result",
    "chaos.judge.pictures",
    "chaos.judge.recovery",
    "chaos.judge.report",
    "chaos.judge.client_history",
    "chaos.plan.shrink",
    "chaos.judge.tries",
    "charging",
    "protocol.frames",
    "launch.wait_status",
    "messages",
    "retry",
    "specs",
    "step_names",
    "values",
    "mail.mailbox",
    "mail.suggestions",
    "mail.pending",
    "mail.retry_queue",
    "mail.registry",
    "turns.timing",
    "turns.steps",
    "turns.states",
    "turns.endings",
    "turns.orders",
    "turns.machine",
    "turns.log_events",
    "turns.failing",
    "turns.events",
    "turns.doubts",
    "turns.deliveries",
    "turns.commits",
    "turns.arrivals",
    "mail.router",
    "replay.compare",
    "replay.outcome",
    "protocol.boot",
    "protocol.control",
    "turns.rings",
    "runtime.tree",
    "server.outcomes",
    "server.notices",
    "server.candidates",
    "protocol.server",
    "server.schedule",
    "server.application",
    "store.archive.checks",
    "store.archive.order_checks",
    "store.archive.findings",
    "store.archive.row_index",
    "store.archive.summaries",
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
    "turns.answer",
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
    if not rest:
        return part != "examples"  # these import the package, as users do; what it has imports nothing from above
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


def classes(tree, qualifier=""):
    """Yield the name of each class, that of a class within another one with the name of that."""
    for node in ast.iter_child_nodes(tree):
        is_class = isinstance(node, ast.ClassDef)
        if is_class:
            yield qualifier + node.name
        yield from classes(node, f"{qualifier}{node.name}." if is_class else qualifier)


def repeated(trees):
    counts = Counter(name for tree in trees for name in classes(tree))
    return {name for name, count in counts.items() if count > 1}


def test_class_names_are_unique_in_the_package():
    assert not repeated(tree for name, tree in modules() if not name.startswith("examples."))


def test_a_class_name_that_two_modules_have_is_found_at_any_depth():
    nested = "def make():\n    class _Reader: ...\nclass Agent:\n    class State: ..."
    assert repeated([ast.parse("class _Reader: ..."), ast.parse(nested)]) == {"_Reader"}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("mail.router", "scr.runtime.dispatch.turns"),
        ("agent.loop", "scr.supervise.policy"),
        ("supervise.policy", "time"),
        ("supervise.policy", "scr.launch.reaper"),
        ("launch.zygote_launcher", "scr.protocol.channel"),
    ],
)
def test_the_check_refuses_what_it_must(name, target):
    assert faults(name, target)
