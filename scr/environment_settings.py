"""Settings from the environment."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from scr.config import PREFIX, Settings
from scr.errors import InvalidInput


class Environment(BaseSettings, Settings):
    """The same fields, each from a variable that begins with `SCR_`; others that begin so are left alone."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_nested_delimiter="__")


def read() -> Settings:
    """What the environment says.  Raises InvalidInput naming what does not fit."""
    try:
        return Settings.model_validate(Environment().model_dump())
    except ValidationError as error:
        faults = (f"{PREFIX}{'__'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors())
        raise InvalidInput(f"the environment asks for settings that do not fit: {'; '.join(faults)}") from error
