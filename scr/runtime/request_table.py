"""Which operation each request of the control socket asks for, and what is answered when it has ended: a table.

Lives in the runtime, on its loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

from pydantic import JsonValue

from scr.config import Limits
from scr.protocol.control import (
    AnyRequest,
    AskAgent,
    AwaitAnswer,
    AwaitReady,
    CancelMessage,
    ReadCrashes,
    ReadStack,
    ReadStatus,
    ReloadAgent,
    Request,
    Resolve,
    RestartAgent,
    RetryDead,
    RuntimeStatus,
    SendMessage,
    ShutDownRuntime,
    SignalAgent,
    StartAgent,
    StopAgent,
    Subscribe,
)
from scr.runtime.dispatch.pages import fitting
from scr.runtime.dispatch.streams import Outlet
from scr.runtime.operations import Operations
from scr.telemetry.crashes import CrashRecord
from scr.turns.answer import Outcome


class Caller(Protocol):
    """One connection, as the table needs it."""

    outlet: Outlet
    limits: Limits

    def answer(self, request: AnyRequest, value: JsonValue) -> None:
        """Answer a request with a value."""

    def tell(self, request: AnyRequest, outcome: Outcome) -> None:
        """Answer a request with how it ended."""

    def fail(self, request: AnyRequest, error: Exception) -> None:
        """Answer a request with what went wrong."""

    def listen(self, request: Subscribe) -> None:
        """Tell events from now on."""


Serve: TypeAlias = Callable[[Operations, Caller, Any], None]


def ask(operations: Operations, caller: Caller, request: AskAgent) -> None:
    """Send a message, and answer with its answer."""
    operations.ask(
        request.to,
        request.payload,
        request.timeout_s,
        partial(caller.tell, request),
        message_id=request.message_id,
        run_id=request.run_id,
        again=request.again,
    )


def send(operations: Operations, caller: Caller, request: SendMessage) -> None:
    """Send a message; when it is in the store its chunks come from then on, if they are wanted."""
    operations.submit(
        request.to,
        request.payload,
        partial(_accepted, operations, caller, request) if request.streams else partial(caller.tell, request),
        message_id=request.message_id,
        run_id=request.run_id,
        again=request.again,
    )


def _accepted(operations: Operations, caller: Caller, request: SendMessage, outcome: Outcome) -> None:
    if outcome.error is None:
        operations.join_stream(request.message_id, caller.outlet, request.ref)
    caller.tell(request, outcome)


def await_answer(operations: Operations, caller: Caller, request: AwaitAnswer) -> None:
    """Wait for an answer, which comes after all chunks that are wanted of it; no chunk comes after it."""
    number = request.stream
    if number is None:
        operations.await_answer(request.message_id, request.timeout_s, partial(caller.tell, request))
        return

    def tell(outcome: Outcome) -> None:
        operations.leave_stream(request.message_id, caller.outlet, number)
        caller.outlet.flush()
        caller.tell(request, outcome)

    operations.join_stream(request.message_id, caller.outlet, number)
    operations.await_answer(request.message_id, request.timeout_s, tell)


def cancel(operations: Operations, caller: Caller, request: CancelMessage) -> None:
    """Cancel a message."""
    caller.answer(request, operations.cancel(request.message_id))


def resolve(operations: Operations, caller: Caller, request: Resolve) -> None:
    """Settle a step that is in doubt."""
    operations.resolve(request.message_id, request.value, partial(caller.tell, request), is_done=request.is_done)


def retry_dead(operations: Operations, caller: Caller, request: RetryDead) -> None:
    """Deliver a dead letter once more."""
    operations.retry_dead(request.message_id, partial(caller.tell, request), partial(caller.fail, request))


def start_agent(operations: Operations, caller: Caller, request: StartAgent) -> None:
    """Start an agent."""
    operations.start_agent(request.supervisor, request.spec, partial(caller.tell, request))


def stop_agent(operations: Operations, caller: Caller, request: StopAgent) -> None:
    """Stop an agent."""
    operations.stop_agent(request.agent, partial(caller.tell, request))


def restart_agent(operations: Operations, caller: Caller, request: RestartAgent) -> None:
    """Restart an agent."""
    operations.restart_agent(request.agent, partial(caller.tell, request))


def reload_agent(operations: Operations, caller: Caller, request: ReloadAgent) -> None:
    """Replace an agent's code."""
    operations.reload_agent(request.agent, request.code, partial(caller.tell, request))


def signal_agent(operations: Operations, caller: Caller, request: SignalAgent) -> None:
    """Signal an agent's process."""
    caller.answer(request, operations.signal_agent(request.agent, request.number))


def read_stack(operations: Operations, caller: Caller, request: ReadStack) -> None:
    """Read where an agent stands."""
    operations.read_stack(request.agent, partial(caller.tell, request))


def read_crashes(operations: Operations, caller: Caller, request: ReadCrashes) -> None:
    """Read crash records: of those that were asked for, the newest that go into one frame."""

    def answer_newest(records: Sequence[CrashRecord]) -> None:
        newest = fitting(reversed(records), caller.limits.frame_bytes // 2)
        caller.answer(request, [record.model_dump(mode="json") for record in reversed(newest)])

    operations.read_crashes(request.agent, request.last, answer_newest, partial(caller.fail, request))


def await_ready(operations: Operations, caller: Caller, request: AwaitReady) -> None:
    """Wait for the tree."""
    operations.await_ready(partial(caller.tell, request))


def read_status(operations: Operations, caller: Caller, request: ReadStatus) -> None:
    """Read the status."""

    def answer(status: RuntimeStatus) -> None:
        caller.answer(request, status.model_dump(mode="json"))

    operations.read_status(answer, partial(caller.fail, request))


def subscribe(_: Operations, caller: Caller, request: Subscribe) -> None:
    """Tell events; the answer comes before the first of them."""
    caller.answer(request, None)
    caller.listen(request)


def shut_down(operations: Operations, caller: Caller, request: ShutDownRuntime) -> None:
    """Stop everything; the answer comes before the runtime ends."""
    caller.answer(request, None)
    operations.shut_down(request.reason)


TABLE: Mapping[type[Request], Serve] = {
    AskAgent: ask,
    SendMessage: send,
    AwaitAnswer: await_answer,
    CancelMessage: cancel,
    Resolve: resolve,
    RetryDead: retry_dead,
    StartAgent: start_agent,
    StopAgent: stop_agent,
    RestartAgent: restart_agent,
    ReloadAgent: reload_agent,
    SignalAgent: signal_agent,
    ReadStack: read_stack,
    ReadCrashes: read_crashes,
    AwaitReady: await_ready,
    ReadStatus: read_status,
    Subscribe: subscribe,
    ShutDownRuntime: shut_down,
}
