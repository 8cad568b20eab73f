"""What is built when it is first used may be used first by many threads at once."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from scr import messages
from scr.protocol import control, frames
from scr.telemetry import events

sys.setswitchinterval(1e-6)
start, errors = threading.Barrier(8), []


def use():
    start.wait()
    try:
        envelope = messages.origin(message_id="m", sender="client", to="a", at=0.0)
        task = messages.Task(payload=messages.TaskPayload(task_id="t", input=[1]), **envelope)
        turn = frames.FROM_AGENT.validate_json(messages.to_json(frames.Commit(message_id="m", sends=(task,))))
        assert turn.sends == (messages.MESSAGE.validate_json(messages.to_json(task)),)
        record = events.Record(1, 2.0, 3.0, events.Logged(agent="a", text="line"))
        assert events.RECORD.validate_json(record.to_json()) == record
        answered = control.Answered(ref=1)
        assert control.FROM_CONTROL.validate_json(messages.to_json(answered)) == answered
    except BaseException as error:
        errors.append(repr(error))


threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit("; ".join(errors) or 0)
"""


@pytest.mark.parametrize("go", range(3))
def test_many_threads_may_be_the_first_to_use_a_value(go):
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (0, ""), f"try {go + 1}"
