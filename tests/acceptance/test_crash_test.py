def test_a_worker_killed_in_the_middle_of_its_task_changes_nothing_but_the_pids(scr):
    said = scr("demo", "--crash-test", "--json")
    found = said.json
    assert said.code == 0, (said.err, {key: found.get(key) for key in found if key != "report"})
    assert (found["result_ok"], found["same_report_as_undisturbed"], found["processes_left"]) == (True, True, 0)
    assert found["deliveries"] == 2
    assert found["steps_reused"] >= 1
    assert 0 < found["detected_ms"] < found["resumed_ms"] < found["recovered_ms"]
    victim = next(agent for agent in found["agents"] if agent["id"] == found["agent"])
    assert victim["pids"] == [found["killed_pid"], found["replacement_pid"]]
    assert victim["exit_reasons"] == ["killed", "shutdown"]
    others = [agent for agent in found["agents"] if agent["id"] != found["agent"]]
    assert len(others) >= 3
    assert all(agent["incarnations"] == 1 for agent in others)
