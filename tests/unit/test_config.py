"""Settings: frozen, bounded, from arguments or the environment."""

import pytest
from pydantic import ValidationError

from scr.config import Settings, from_environment
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
