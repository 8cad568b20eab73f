"""Settings of a runtime, from arguments or the environment (`SCR_STANDBYS=4`), and the bounds of everything."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Limits(BaseModel):
    """How much there may be of anything (I7).  Full means a clear error to whoever sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame_bytes: Annotated[int, Field(ge=1024)] = 16 << 20
    sends_per_turn: Annotated[int, Field(ge=1)] = 1000
    dead_letters: Annotated[int, Field(ge=1)] = 1000
    crashes: Annotated[int, Field(ge=1)] = 200
    events_kept: Annotated[int, Field(ge=1)] = 10_000
    output_lines_per_s: Annotated[int, Field(ge=1)] = 1000
    tail_bytes: Annotated[int, Field(ge=0)] = 8192
    stop_s: Annotated[float, Field(gt=0)] = 1.8


class Settings(BaseSettings):
    """How one runtime works.  `standbys` is the number of processes that wait, started and idle, to become an agent."""

    model_config = SettingsConfigDict(env_prefix="SCR_", frozen=True, extra="ignore", env_nested_delimiter="__")

    launcher: Literal["zygote", "spawn"] = "zygote"
    standbys: Annotated[int, Field(ge=0, le=1000)] = 2
    preload: tuple[str, ...] = ()
    limits: Limits = Limits()
