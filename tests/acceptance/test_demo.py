import json
import re
from pathlib import Path

MARKS = re.compile(r"\[\d+\]")


def test_the_demo_ends_with_a_report_whose_every_claim_is_cited(scr, tmp_path):
    said = scr("demo", "--json")
    assert (said.code, said.err) == (0, "")
    found = said.json
    assert found["status"] == "done"
    assert found["claims"] == found["cited"] > 10
    assert (found["dropped"], found["processes_left"]) == (0, 0)
    bullets = [line for line in found["report"].splitlines() if line.startswith("- ")]
    assert bullets[0]
    assert all(MARKS.search(line) for line in bullets if "evidence" not in line)
    ids = {agent["id"]: agent for agent in found["agents"]}
    assert {"table", "memory", "planner", "critic", "worker-1", "worker-2", "worker-3", "worker-4"} == set(ids)
    assert len({pid for agent in found["agents"] for pid in agent["pids"]}) == 8
    assert all(agent["exit_reasons"] == ["shutdown"] for agent in found["agents"])
    (folder,) = (tmp_path / ".scr" / "runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "report.md",
        "claims.jsonl",
        "sources.jsonl",
        "plan.json",
        "events.jsonl",
    }
    assert (folder / "report.md").read_text() == found["report"]
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["event"]["kind"] == "runtime_down"


def test_without_a_terminal_a_run_is_told_in_plain_lines(scr, tmp_path):
    said = scr("run", "How are crashed agents restarted?", "--workers", "3", "--out", "answer")
    assert said.code == (3 if " dropped, " in said.err else 0), said.err
    assert "\x1b" not in said.out + said.err
    for agent in ("table", "memory", "planner", "critic", "worker-1", "worker-2", "worker-3"):
        assert re.search(rf"{agent} up, pid \d+", said.err)
    report = tmp_path / "answer" / "report.md"
    assert said.out == report.read_text(), "stdout holds the report alone"
    assert said.err.splitlines()[-1] == f"report: {report}"


def test_a_question_that_the_documents_do_not_answer_says_so(scr, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    text = "A pond is a small body of still water. Ponds freeze in winter because the wind does not move them.\n"
    (docs / "ponds.md").write_text(f"# Ponds\n\n{text}")
    said = scr("run", "Who won the chess tournament in Reykjavik?", "--docs", str(docs), "--json")
    assert said.code == 3
    assert "do not answer" in said.json["report"]
    assert said.json["processes_left"] == 0


def test_the_version_and_the_help_start_nothing(scr, tmp_path):
    assert re.fullmatch(r"scr \d+\.\d+\.\d+\n", scr("--version").out)
    help_text = scr("run", "--help").out
    assert "--docs" in help_text
    assert "Exit codes" in help_text
    assert not list(Path(tmp_path).iterdir())
