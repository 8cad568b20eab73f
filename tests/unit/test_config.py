"""Settings: frozen, bounded, from arguments or the environment."""

import os

import pytest
from pydantic import ValidationError

from scr.client.spawn import launcher_in
from scr.config import Settings
from scr.environment import from_environment
from scr.errors import InvalidInput


def test_the_environment_says_settings_and_what_is_somebody_elses_is_left_alone(monkeypatch):
    monkeypatch.setenv("SCR_STANDBYS", "7")
    monkeypatch.setenv("SCR_LIMITS__STOP_S", "0.5")
    monkeypatch.setenv("SCR_RUNTIME_ID", "r-of-a-parent")
    settings = from_environment()
    assert (settings.standbys, settings.limits.stop_s, settings.launcher) == (7, 0.5, "zygote")


def test_a_setting_that_does_not_fit_is_refused_with_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv("SCR_STANDBYS", "many")
    with pytest.raises(InvalidInput, match="SCR_STANDBYS"):
        from_environment()


def test_an_unknown_setting_in_a_program_is_an_error():
    with pytest.raises(ValidationError, match="standbyes"):
        Settings(standbyes=2)


@pytest.mark.parametrize("lease_s", ["0.1", "0", "-1", "nan"])
def test_a_lease_that_nobody_could_renew_in_time_is_refused_with_the_least_that_there_is(monkeypatch, lease_s):
    monkeypatch.setenv("SCR_LEASE_S", lease_s)
    with pytest.raises(InvalidInput, match=r"SCR_LEASE_S: .* greater than or equal to 0\.5"):
        from_environment()


@pytest.mark.parametrize(
    ("said", "launcher", "channel"),
    [
        ({}, "zygote", "socket"),
        ({"launcher": "zygote"}, "zygote", "socket"),
        ({"launcher": "spawn"}, "spawn", "queue"),
        ({"channel": "socket"}, "zygote", "socket"),
        ({"channel": "queue"}, "spawn", "queue"),
        ({"launcher": "spawn", "channel": "socket"}, "spawn", "socket"),
        ({"launcher": "spawn", "channel": "queue"}, "spawn", "queue"),
    ],
)
def test_of_launcher_and_channel_one_that_is_left_out_follows_from_the_other(monkeypatch, said, launcher, channel):
    for settings in (Settings(**said), Settings.model_validate_json(Settings(**said).model_dump_json())):
        assert (settings.launcher, settings.channel) == (launcher, channel)
    for name, value in said.items():
        monkeypatch.setenv(f"SCR_{name.upper()}", value)
    assert from_environment() == Settings(**said)
    assert launcher_in(os.environ) == launcher  # before the settings can be read


def test_queues_with_a_zygote_are_refused_with_what_to_do(monkeypatch):
    with pytest.raises(ValidationError, match="leave the launcher out, or say launcher='spawn'"):
        Settings(launcher="zygote", channel="queue")
    monkeypatch.setenv("SCR_LAUNCHER", "zygote")
    monkeypatch.setenv("SCR_CHANNEL", "queue")
    with pytest.raises(InvalidInput, match=r"SCR_CHANNEL: .* channel='queue' does not go with launcher='zygote'"):
        from_environment()
    monkeypatch.setenv("SCR_CHANNEL", "pigeon")
    with pytest.raises(InvalidInput, match=r"SCR_CHANNEL: .*'socket' or 'queue'"):
        from_environment()
