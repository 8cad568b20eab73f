"""The pytest plugin: `scr_runtime` runs agents of a test, and `@pytest.mark.scr_chaos(kills=20, seed=7)` kills them.

With the marker the test's body runs twice: with an undisturbed runtime, then
with one whose agents are killed at moments drawn from the seed.  Its own
assertions hold in both, or it fails; then the two runs are compared by what
their stores have: the same results, as many recorded steps, no step in doubt or
recorded twice.  Too few kills, or none in the middle of a turn, fail it too.
All other fixtures are shared by both.

Imports nothing of SCR until a test wants a runtime.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

MARKER = "scr_chaos"
FIXTURE = "scr_runtime"
KILLS, SEED = 20, 0
CALM: pytest.StashKey[Any] = pytest.StashKey()
UNDER_WAY: pytest.StashKey[bool] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """The marker is known."""
    config.addinivalue_line(
        "markers", f"{MARKER}(kills={KILLS}, seed={SEED}): run it undisturbed, then with its agents killed; compare"
    )


@pytest.fixture
def scr_runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """A runtime of this test's own, up, with a durable store; `@pytest.mark.scr_chaos` has its agents killed."""
    with _scene(f"sqlite:///{tmp_path}/scr.sqlite", "undisturbed") as scene:
        request.node.stash[CALM] = scene
        yield scene.runtime


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call the body of a marked test twice, each time through this hook, so that other plugins have their part."""
    marker = pyfuncitem.get_closest_marker(MARKER)
    if marker is None or UNDER_WAY in pyfuncitem.stash:
        return None
    if CALM not in pyfuncitem.stash:
        pytest.fail(f"@pytest.mark.{MARKER} needs the fixture {FIXTURE}: there is nothing to kill", pytrace=False)
    pyfuncitem.stash[UNDER_WAY] = True
    _twice(pyfuncitem, pyfuncitem.stash[CALM], **marker.kwargs)
    return True


def _twice(test: pytest.Function, calm: Any, kills: int = KILLS, seed: int = SEED) -> None:
    test.ihook.pytest_pyfunc_call(pyfuncitem=test)
    calm.close()
    with _scene(calm.store, "killed", calm.strikes(seed, kills)) as scene:
        test.funcargs[FIXTURE] = scene.runtime
        try:
            test.ihook.pytest_pyfunc_call(pyfuncitem=test)
        except BaseException as error:
            error.add_note(f"it holds undisturbed; this was under kills (seed {seed}), in a runtime of its own:")
            error.add_note("agents that a fixture starts are not in it, the test's body must start them")
            raise
    found = scene.beside(calm)
    if found.reasons:
        reasons = "".join(f"\n  - {reason}" for reason in found.reasons)
        pytest.fail(f"{found.verdict} under {len(found.struck)} kills (seed {seed}):{reasons}", pytrace=False)


def _scene(*given: Any) -> Any:
    return import_module("scr.chaos.user.chaos_runtime").Scene(*given)
