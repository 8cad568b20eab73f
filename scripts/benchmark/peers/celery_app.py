"""The application that Celery's workers and its caller share; `SCR_BENCH_CELERY` is the folder of its broker.

Late acknowledgement, and a requeue when a worker is lost: what its documents say is needed to survive a kill.
Waits that it would poll at every second are polled at every few milliseconds.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from benchmark.peers import work

FOLDER = os.environ.get("SCR_BENCH_CELERY", ".")
POLL_S = 0.005

app = Celery("bench", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": f"{FOLDER}/queue",
        "data_folder_out": f"{FOLDER}/queue",
        "control_folder": f"{FOLDER}/control",
        "polling_interval": POLL_S,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="echo")  # type: ignore[untyped-decorator]  # its venv is not this one
def echo(value: Any) -> Any:
    """What is given."""
    return value


@app.task(name="hold")  # type: ignore[untyped-decorator]  # the same
def hold(path: str) -> str:
    """The first call until it is killed."""
    return work.hold(path)
