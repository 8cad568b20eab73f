from itertools import count

import pytest

from scr.apps.research.claims import Claim
from scr.apps.research.outcome import Judged, ResearchOutcome
from scr.apps.research.plan import Plan
from scr.apps.research.report import Report, Source
from scr.apps.research.running.run_folder import RunFolder
from scr.apps.research.running.session import FinishedRun
from scr.cli.app import app_for
from scr.views.run import RunView
from tests.command_result import Said
from tests.unit.store.story import told


@pytest.fixture
def outcome():
    """An outcome with so many claims, dropped claims and failed parts."""

    def make(*, claims=2, dropped=0, failed=(), body="# Why?\n\n- Ponds freeze. [1]\n"):
        source = Source(number=1, path="ponds.md", first_line=3, last_line=4)
        report = Report(
            question="Why?",
            body=body,
            claims=claims,
            cited=claims,
            dropped=dropped,
            revisions=1,
            sources=(source,) if claims else (),
            not_found=(),
        )
        claim = Claim(claim_id="c1", facet="research-1", text="Ponds freeze.", citations=())
        return ResearchOutcome(
            report=report,
            claims=(Judged(claim=claim, verdict="supported"),),
            sources=report.sources,
            plan=Plan(question="Why?", subtasks=()),
            dropped=dropped,
            revisions=1,
            not_found=(),
            skipped=(),
            failed=failed,
        )

    return make


@pytest.fixture
def ended(tmp_path, outcome):
    """A run that is over, with a folder of its own."""
    number = count()

    def make(answer=None, *, view=None, processes_left=0):
        path = tmp_path / f"run-{next(number)}"
        path.mkdir()
        folder = RunFolder(path)
        folder.close()
        return FinishedRun(
            run_id=path.name,
            answer=outcome() if answer is None else answer,
            view=view or RunView(),
            duration_s=1.25,
            processes_left=processes_left,
            folder=folder,
        )

    return make


@pytest.fixture
def scr(capsys, monkeypatch, tmp_path):
    """A command line, carried out in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app_for(arguments)(arguments)
        said = Said(ended.value.code, *capsys.readouterr())
        assert "Traceback" not in said.err
        return said

    return run


@pytest.fixture
def store(tmp_path):
    """The URL of a store with the run "story", in which everything happens."""
    url = f"sqlite:///{tmp_path}/kept.sqlite?durability=process"
    told(url)
    return url
