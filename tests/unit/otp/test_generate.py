"""Random histories: repeatable, and only of what OTP and SCR both take."""

from collections import Counter

import pytest
from otp.generate import MODES, WEIGHTS, history, is_patient
from otp.history import Add, Behave, Exit, Plan, Static, Stop, Together, Worker, all_specs, specs, term

EACH_MODE = pytest.mark.parametrize("mode", MODES)


@EACH_MODE
def test_the_same_mode_and_seed_give_the_same_history_and_another_seed_another(mode):
    assert history(mode, 7) == history(mode, 7)
    assert len({term(history(mode, seed)) for seed in range(50)}) == 50


def test_a_mode_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'odd'"):
        history("odd", 1)


@EACH_MODE
def test_every_specification_is_one_that_both_sides_take(mode):
    for seed in range(100):
        drawn = history(mode, seed)
        supervisors = {spec.id: spec for spec, _ in all_specs(drawn)}
        names = Counter(spec.id for spec, _ in specs(drawn.tree))
        assert set(names.values()) == {1}
        for spec, above in all_specs(drawn):
            auto = getattr(supervisors.get(above), "auto_shutdown", "never")
            assert not spec.significant or (auto != "never" and spec.restart != "permanent")
            assert not isinstance(spec, Worker) or is_patient(spec.id) == (spec.shutdown == "infinity")


@EACH_MODE
def test_a_worker_that_is_waited_for_without_limit_is_never_deaf(mode):
    for seed in range(100):
        drawn = history(mode, seed)
        changes = [change for change in (*drawn.setup, *drawn.operations) if isinstance(change, Behave)]
        assert not [change for change in changes if change.manner == "deaf" and is_patient(change.worker)]


@pytest.mark.parametrize("mode", WEIGHTS)
def test_every_kind_of_operation_of_a_mode_comes_up(mode):
    kinds = {type(op).__name__.lower() for seed in range(100) for op in history(mode, seed).operations}
    assert kinds == {*WEIGHTS[mode], "stop"}


def test_a_supervisor_that_its_parent_lists_is_added_again_by_some():
    again = [
        op.spec
        for seed in range(100)
        for op in history("plain", seed).operations
        if isinstance(op, Add) and op.spec.id in {spec.id for spec, _ in specs(history("plain", seed).tree)}
    ]
    assert any(isinstance(spec, Static) and spec.children for spec in again)


def test_real_histories_hold_only_what_can_be_done_to_a_process():
    operations = [op for seed in range(100) for op in history("real", seed).operations]
    assert {type(op) for op in operations} == {Exit, Together}
    assert {op.reason for op in operations if isinstance(op, Exit)} == {"normal", "killed"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Worker("w1", "permanent", 40, True), "{worker,w1,permanent,40,true}"),
        (Static("s1", "one_for_one", 1, 5, "never", "temporary", False, (Worker("w2", "transient", 0, False),)),
         "{static,s1,one_for_one,1,5,never,temporary,false,[{worker,w2,transient,0,false}]}"),
        (Plan("w1", ("ok", "fail")), "{plan,w1,[ok,fail]}"),
        (Together(("s1",), (Exit("w1", "boom"),)), "{together,[s1],[{exit,w1,boom}]}"),
        (Stop(), "{stop}"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_the_term_that_erlang_reads(value, text):
    assert term(value) == text
