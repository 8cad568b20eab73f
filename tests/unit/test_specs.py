"""G1: what a specification may say, and what is refused before anything is started."""

import pytest

from scr.client.runtime import Runtime
from scr.errors import InvalidSpec
from scr.specs import (
    AgentSpec,
    AutoShutdown,
    Backoff,
    Code,
    Restart,
    Strategy,
    SupervisorSpec,
    cautions,
    check,
    check_pair,
    parse,
)

CODE = Code(reference="house.agents:Worker")
AGENT = {"id": "a", "code": {"reference": "house.agents:Worker"}}
SUPERVISOR = {"id": "s", "strategy": "one_for_one"}


def agent(name="a", **fields):
    return AgentSpec(id=name, code=CODE, **fields)


def supervisor(name="s", children=(), strategy=Strategy.ONE_FOR_ONE, **fields):
    return SupervisorSpec(id=name, strategy=strategy, children=tuple(children), **fields)


def refused(data, *words):
    with pytest.raises(InvalidSpec) as caught:
        parse(data)
    for word in words:
        assert word in str(caught.value)


def test_g1_01_an_id_and_code_are_enough_and_the_defaults_are_otps():
    spec = parse(AGENT)
    assert isinstance(spec, AgentSpec)
    assert (spec.restart, spec.shutdown_s, spec.significant) == (Restart.PERMANENT, 5.0, False)
    assert (spec.options, spec.start_timeout_s, spec.backoff, spec.park) == ({}, 30.0, None, False)


def test_g1_02_a_supervisor_gets_as_long_to_stop_as_its_children_need():
    assert isinstance(parse(SUPERVISOR), SupervisorSpec)
    refused({**SUPERVISOR, "shutdown_s": 5.0}, "shutdown_s")


@pytest.mark.parametrize("missing", ["id", "code"])
def test_g1_03_a_missing_id_or_code_is_named(missing):
    refused({key: value for key, value in AGENT.items() if key != missing}, missing)


@pytest.mark.parametrize("data", [AGENT, SUPERVISOR, {**AGENT, "code": {"reference": "a:B", "silly": 1}}])
def test_g1_04_a_key_that_is_not_known_is_refused(data):
    refused({**data, "silly_flag": True}, "silly_flag")


@pytest.mark.parametrize("data", [None, 3, "a", ["id", "a"], ("a", CODE)])
def test_g1_05_what_is_no_mapping_is_refused(data):
    refused(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "house.agents:Worker"),
        ("code", {}),
        ("code", {"reference": "a:B", "pickled": "eA=="}),
        ("restart", "sometimes"),
        ("shutdown_s", -10),
        ("shutdown_s", "brutal"),
        ("shutdown_s", float("nan")),
        ("shutdown_s", float("inf")),
        ("start_timeout_s", 0),
        ("start_timeout_s", "infinity"),
        ("id", ""),
        ("id", "two words"),
        ("options", 3),
        ("mailbox_size", 0),
        ("max_deliveries", 0),
        ("backoff", {"base_s": 2.0, "cap_s": 1.0}),
        ("backoff", {"base_s": 0, "cap_s": 1.0}),
        ("park", "perhaps"),
    ],
)
def test_g1_06_a_value_that_does_not_fit_is_refused_with_its_field(field, value):
    refused({**AGENT, field: value}, field)


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("shutdown", [0, 1, 2.5, 86400, "kill", "infinity"])
def test_g1_07_every_budget_goes_with_every_restart_type(restart, shutdown):
    spec = parse({**AGENT, "restart": restart, "shutdown_s": shutdown})
    assert (spec.restart, spec.shutdown_s) == (restart, shutdown)
    check(supervisor(children=[spec]))


def test_g1_08_an_agent_may_have_all_the_time_that_it_wants():
    check(supervisor(children=[agent(shutdown_s="infinity")]))


@pytest.mark.parametrize(
    "children",
    [
        [agent("a"), agent("b"), agent("a")],
        [agent("a"), supervisor("t", [agent("b"), agent("a")])],
        [supervisor("t", [agent("s")])],
        [supervisor("t", [agent("x")]), supervisor("u", [agent("x")]), agent("a")],
    ],
)
def test_g1_09_an_id_given_twice_anywhere_in_the_tree_is_refused(children):
    with pytest.raises(InvalidSpec, match="is given 2 times"):
        check(supervisor(children=children))


@pytest.mark.parametrize("children", ["abc", 3, {"a": 1}, [3]])
def test_g1_10_children_that_are_no_list_of_specifications_are_refused(children):
    refused({**SUPERVISOR, "children": children}, "children")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strategy", "simple_one_for_one"),
        ("max_restarts", -1),
        ("max_restarts", "infinity"),
        ("within_s", 0),
        ("within_s", float("inf")),
        ("auto_shutdown", "sometimes"),
    ],
)
def test_g1_11_a_flag_that_does_not_fit_is_refused_with_its_name(field, value):
    refused({**SUPERVISOR, field: value}, field)


def test_g1_12_three_restarts_in_five_seconds_unless_told_otherwise():
    spec = parse(SUPERVISOR)
    assert (spec.max_restarts, spec.within_s, spec.auto_shutdown) == (3, 5.0, AutoShutdown.NEVER)


def test_g1_13_the_strategy_must_be_given():
    refused({"id": "s"}, "strategy")


def test_g1_14_significant_and_permanent_contradict_each_other():
    root = supervisor(children=[agent(significant=True)], auto_shutdown="any_significant")
    with pytest.raises(InvalidSpec, match="'a' is significant and permanent"):
        check(root)


@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_g1_15_significant_means_nothing_where_nothing_shuts_down_by_itself(restart):
    child = agent(restart=restart, significant=True)
    with pytest.raises(InvalidSpec, match="'a' is significant under 's'"):
        check(supervisor(children=[child]))
    check(supervisor(children=[child], auto_shutdown="any_significant"))


def test_g1_16_significant_is_yes_or_no():
    refused({**AGENT, "restart": "transient", "significant": "maybe"}, "significant")


@pytest.mark.parametrize("mode", ["any_significant", "all_significant"])
def test_g1_18_a_dynamic_supervisor_does_not_shut_itself_down(mode):
    with pytest.raises(InvalidSpec, match="'s' is dynamic with auto_shutdown"):
        check(supervisor(dynamic=True, auto_shutdown=mode))
    with pytest.raises(InvalidSpec, match="'a' is significant under 's'"):
        check_pair(supervisor(dynamic=True), agent(restart="transient", significant=True))


@pytest.mark.parametrize(("field", "value"), [("max_children", -1), ("extra_options", [1]), ("dynamic", "perhaps")])
def test_g1_19_a_dynamic_flag_that_does_not_fit_is_refused(field, value):
    refused({**SUPERVISOR, "dynamic": True, field: value}, field)


@pytest.mark.parametrize("fields", [{"max_children": 3}, {"extra_options": {"x": 1}}])
def test_g1_19_dynamic_flags_on_a_static_supervisor_are_refused(fields):
    with pytest.raises(InvalidSpec, match="is not dynamic"):
        check(supervisor(**fields))


@pytest.mark.parametrize("strategy", [Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL])
def test_g1_19_a_dynamic_supervisor_has_one_strategy(strategy):
    with pytest.raises(InvalidSpec, match="only one_for_one"):
        check(supervisor(strategy=strategy, dynamic=True))


def test_g1_20_a_bad_specification_is_refused_where_it_is_made_whoever_is_to_run_it():
    with pytest.raises(InvalidSpec, match="specification of 'a': shutdown_s"):
        agent(shutdown_s=-1)
    with pytest.raises(InvalidSpec):
        check(agent(significant=True))


def test_a_pause_that_would_disarm_the_limit_is_refused_with_the_period_that_would_do():
    slow = Backoff(base_s=1.0, cap_s=2.0)
    with pytest.raises(InvalidSpec, match="make within_s at least 6"):
        check(supervisor(children=[agent(backoff=slow)], max_restarts=3, within_s=5.0))
    check(supervisor(children=[agent(backoff=slow)], max_restarts=3, within_s=6.0))


def test_a_significant_child_cannot_park():
    child = agent(restart="transient", significant=True, park=True)
    with pytest.raises(InvalidSpec, match="'a' is significant and parks"):
        check(supervisor(children=[child], auto_shutdown="any_significant"))


def test_contradictions_are_found_below_the_first_row_too():
    with pytest.raises(InvalidSpec, match="'deep'"):
        check(supervisor(children=[agent(), supervisor("t", [supervisor("u", [agent("deep", significant=True)])])]))


def test_g8_11_a_permanent_supervisor_that_shuts_itself_down_is_warned_of():
    child = supervisor("t", auto_shutdown="any_significant")
    with pytest.warns(UserWarning, match="'s' restarts it at once, each time"):
        Runtime(supervisor(children=[child, agent()]))


def test_a_transient_supervisor_is_warned_of_and_a_sound_tree_is_not():
    assert cautions(supervisor(children=[supervisor("t", restart="transient"), agent()])) != ()
    assert cautions(supervisor(children=[supervisor("t", [agent("b")]), agent()])) == ()


def test_a_specification_survives_its_own_json():
    root = supervisor(children=[agent(backoff=Backoff(base_s=0.1, cap_s=1)), supervisor("t", [agent("b")])])
    assert SupervisorSpec.model_validate_json(root.model_dump_json()) == root
