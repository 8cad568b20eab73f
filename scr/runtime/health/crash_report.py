"""The record of a death, put together from what is still known when it is seen.

Pure over what it is given: the incarnation has ended and everything that it
had said was heard.
"""

from __future__ import annotations

from scr.mail.pending import Pending
from scr.messages import ExitReason
from scr.protocol.frames import Exiting
from scr.retry import ErrorInfo
from scr.specs import AgentSpec
from scr.step_names import shown_step
from scr.supervise.exits import EndRequest, Exit, is_shutdown_error, is_worth_reporting, signal_name
from scr.supervise.incarnation import Incarnation
from scr.supervise.queries import Restarts
from scr.supervise.tree import Child, ChildPhase
from scr.telemetry.crashes import CrashRecord, last_dump


def is_crash(incarnation: Incarnation, child: Child, end: Exit) -> bool:
    """Whether an end is one that nobody had asked for; `child` is as it was when the process still lived.

    A stop that did not go as it was asked to is one too.  A permanent agent
    has no business ending by itself, not even normally.
    """
    spec = incarnation.spec
    match incarnation.asked:
        case _ if incarnation.ignored:
            return False
        case _ if child.phase is ChildPhase.STARTING:
            return True
        case EndRequest.STOP | EndRequest.KILL:
            return is_shutdown_error(spec.restart, spec.shutdown_s, end.reason)
        case _:
            return is_worth_reporting(spec.restart, end.reason)


def crash_of(
    incarnation: Incarnation,
    child: Child,
    end: Exit,
    restarts: Restarts,
    pending: Pending | None,
    *,
    at: float,
    traceback: str = "",
) -> CrashRecord:
    """Everything about a death; `at` is monotonic, and the record's wall clock is the caller's to set.

    With `traceback` it is a handler that raised, and the process lives.
    """
    end = _seen_from_its_start(incarnation.spec, child, end)
    status, record = incarnation.status, incarnation.record
    stdout, stderr = (incarnation.wrote(stream) for stream in ("stdout", "stderr"))
    return CrashRecord(
        agent=incarnation.spec.id,
        incarnation=incarnation.number,
        pid=incarnation.pid,
        reason=end.reason,
        asked=incarnation.asked,
        signal=signal_name(status.signal) if status.signal else "",
        detail=end.detail,
        traceback=record.traceback if record else traceback,
        stack=_stack(incarnation, stderr),
        stdout=stdout,
        stderr=stderr,
        memory_bytes=status.usage.memory_bytes,
        cpu_s=status.usage.cpu_s,
        in_hand=pending.message_id if pending else None,
        in_hand_type=pending.message.type if pending else None,
        deliveries=pending.deliveries if pending else 0,
        begun=_begun(pending) if pending else "",
        uptime_s=at - incarnation.since,
        restarts=restarts.counted,
        max_restarts=restarts.most,
        within_s=restarts.within_s,
    )


def error_of_exit(record: Exiting | None, end: Exit) -> ErrorInfo:
    """Tell why an incarnation ended as the error of the message that it had in hand."""
    if record is None or not record.error_type:
        return ErrorInfo(type=str(end.reason), message=end.detail)
    return ErrorInfo(type=record.error_type, message=record.message, traceback=record.traceback)


def _begun(pending: Pending) -> str:
    """Name the `once` step of the message that had begun and not ended."""
    return next((shown_step(step.name) for step in pending.steps.values() if step.state == "begun"), "")


def _seen_from_its_start(spec: AgentSpec, child: Child, end: Exit) -> Exit:
    """What ended a start is a failed start, whatever it was."""
    if child.phase is not ChildPhase.STARTING or end.reason is ExitReason.START_FAILED:
        return end
    if child.killed:
        return Exit(ExitReason.START_FAILED, f"it was not ready within {spec.start_timeout_s:g} s")
    return Exit(ExitReason.START_FAILED, f"it ended before it was ready: {end.reason}: {end.detail}")


def _stack(incarnation: Incarnation, stderr: str) -> str:
    """Where it stood, unless that is an older answer to somebody's question."""
    if incarnation.asked is EndRequest.HUNG:
        return last_dump(stderr)
    return last_dump(stderr, fatal=True) if incarnation.status.signal else ""
