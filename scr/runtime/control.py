"""The control socket: clients ask, the runtime answers and tells what happens.

Lives in the runtime, on its loop.  The owner's connection is a socket pair
that it was born with; others come through a Unix socket of mode 0600.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from scr.behaviour.turn import refuse_uncarried
from scr.errors import BrokenFrame, ChannelError, ScrError, StoreUnavailable, UnknownAgent
from scr.launch.lineage import Guard, Lineage
from scr.mail.channel import LoopChannel
from scr.messages import CLIENT, RUNTIME, Message, of_payload, origin
from scr.retry import ErrorInfo
from scr.runtime.door import CLOSED, Door, last_word
from scr.runtime.pages import fitting
from scr.runtime.requests import (
    REQUEST,
    Answered,
    AnyRequest,
    Ask,
    AwaitAnswer,
    AwaitReady,
    Cancel,
    Happened,
    ReadCrashes,
    ReadStack,
    ReadStatus,
    ReloadAgent,
    Resolve,
    RestartAgent,
    RetryDead,
    Send,
    Shutdown,
    SignalAgent,
    StartAgent,
    StopAgent,
    Submission,
    Subscribe,
)
from scr.runtime.stacks import read_stack
from scr.runtime.status import process_of
from scr.runtime.streams import Outlet
from scr.runtime.system import System
from scr.store.records import KeptMessage
from scr.store.rows import printable
from scr.supervise.orders import Done, Refusal, Refused
from scr.telemetry.crashes import CrashRecord
from scr.telemetry.events import LinesDropped, Record
from scr.telemetry.shortening import shortened
from scr.turns.outcome import Outcome

CLIENTS_MAX = 64
LOG_BYTES = 1 << 20  # for a program that does not read what it is told of its agents
DEAFENED = "the runtime hears nothing more on this connection, and ends with it"
REF = re.compile(rb'\s*\{\s*"ref"\s*:\s*([1-9][0-9]{0,17})\s*[,}]')
POKED_S = 0.02  # for those who are poked to answer, before the status tells who did
ERROR_OF = {
    "already_started": "AlreadyStarted",
    "already_present": "AlreadyStarted",
    "not_found": "UnknownAgent",
    "start_failed": "StartFailed",
}


class Client:
    """One connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        system: System,
        *,
        gone: Callable[[Client], None],
        frame_bytes: int,
        stop_s: float,
    ) -> None:
        self._loop, self._system, self._gone, self._stop_s = loop, system, gone, stop_s
        self.is_owner = False
        self._deaf: Callable[[], None] | None = None
        self._left_out = 0
        self._channel: LoopChannel[AnyRequest] = LoopChannel(
            loop,
            sock,
            incoming=REQUEST,
            hear=self._hear,
            broken=lambda _: self.close(),
            ended=self.close,
            unread=self._unread,
            limit_bytes=frame_bytes,
        )
        self._outlet = Outlet(loop, self._channel)

    def close(self) -> None:
        """The client is gone: tell it nothing more.  Idempotent."""
        self._system.turns.streams.leave_all(self._outlet)
        if self._deaf:
            self._deaf()
            self._deaf = None
        self._channel.close()
        self._gone(self)

    def tell(self, error: ScrError) -> None:
        """Tell what nobody has asked for: the runtime ends, and why."""
        self._send(last_word(error))

    def _unread(self, error: ChannelError, body: bytes) -> None:
        """Answer this client that what it said is no request; no other client notices.

        After too large a frame it is not known where the next begins.  The owner's connection stays open even then:
        its end would be the owner's.
        """
        if isinstance(error, BrokenFrame):
            why = f"the runtime cannot read this request: {error}; it knows no other verbs and fields than its own SCR"
            self._send(Answered(ref=ref_in(body), error=type(error).__name__, detail=why))
            return
        self.tell(type(error)(f"{DEAFENED if self.is_owner else CLOSED}: {error}"))
        if not self.is_owner:
            self.close()

    def _hear(self, request: AnyRequest) -> None:
        self._guarded(request, self._serve, request)

    def _guarded(self, request: AnyRequest, do: Callable[..., None], *given: object) -> None:
        """Do something for a request: whatever goes wrong with it is its answer, and nothing else."""
        try:
            do(*given)
        except ScrError as error:
            self._refuse(request, error)
        except Exception as error:  # noqa: BLE001  one request must not end a runtime
            doing = f"{request.verb!r} could not be served"
            self._loop.call_exception_handler({"message": doing, "exception": error})
            self._refuse(
                request, ScrError(f"{doing}: {type(error).__name__} in the runtime; its log has the traceback")
            )

    def _refuse(self, request: AnyRequest, error: ScrError) -> None:
        self._send(Answered(ref=request.ref, error=type(error).__name__, detail=str(error)))

    def _serve(self, request: AnyRequest) -> None:
        system = self._system
        match request:
            case Ask(again=again, timeout_s=timeout_s):
                told = partial(self._told, request)
                system.turns.post.ask(submitted(request, system), timeout_s, told, again=again)
            case Send(again=again):
                kept, refused = partial(self._accepted, request), partial(self._refuse, request)
                system.turns.post.submit(submitted(request, system), kept, refused, again=again)
            case AwaitAnswer(message_id=message_id, timeout_s=timeout_s, stream=stream):
                if stream is not None:
                    system.turns.streams.join(message_id, self._outlet, stream)
                system.turns.post.attach(message_id, timeout_s, partial(self._awaited, request))
            case Cancel(message_id=message_id):
                self._answer(request, system.cancel(message_id))
            case Resolve(message_id=message_id, value=value, is_done=is_done):
                system.turns.parked.resolve(
                    message_id, value, is_done=is_done, then=partial(self._answer, request, None)
                )
            case RetryDead(message_id=message_id):
                system.store.exhume(message_id, partial(self._guarded, request, self._exhumed, request))
            case StartAgent(supervisor=supervisor, spec=spec):
                system.operations.start_agent(supervisor, spec, partial(self._when_kept, request))
            case StopAgent(agent=agent):
                system.operations.stop_agent(agent, partial(self._when_kept, request))
            case RestartAgent(agent=agent):
                system.operations.restart_agent(agent, partial(self._when_kept, request))
            case ReloadAgent(agent=agent, code=code):
                system.reloads.reload(system.supervisor, agent, code, partial(self._done, request))
            case SignalAgent(agent=agent, number=number):
                live = process_of(system.supervisor, agent)
                live.signal_for_operator(number)
                self._answer(request, live.pid)
            case ReadStack(agent=agent):
                read_stack(self._loop, process_of(system.supervisor, agent), partial(self._told, request))
            case ReadCrashes(agent=agent, last=last):
                system.store.crashes(agent, last, partial(self._guarded, request, self._tell_crashes, request))
            case AwaitReady():
                system.when_ready(partial(self._ready, request))
            case ReadStatus():
                system.poke()
                self._loop.call_later(POKED_S, self._guarded, request, self._tell_status, request)
            case Subscribe(since=since):
                self._answer(request, None)
                self._deaf = self._deaf or system.events.listen(partial(self._happened, request), since=since)
            case Shutdown(reason=reason):
                self._answer(request, None)
                system.stop(reason, self._stop_s)

    def _tell_crashes(self, request: AnyRequest, records: Sequence[CrashRecord]) -> None:
        newest = fitting(reversed(records), self._system.limits.frame_bytes // 2)
        self._answer(request, [record.model_dump(mode="json") for record in reversed(newest)])

    def _exhumed(self, request: AnyRequest, kept: KeptMessage | None) -> None:
        if kept is None:
            why = "there is no dead letter of that id; `scr dead` lists them"
            self._send(Answered(ref=request.ref, error="InvalidInput", detail=why))
            return
        self._system.turns.post.reopen(kept)
        self._answer(request, kept.message.to)

    def _tell_status(self, request: AnyRequest) -> None:
        self._answer(request, self._system.status().model_dump(mode="json"))

    def _accepted(self, request: Send) -> None:
        """A message is in the store; its chunks come from now on, if they are wanted."""
        if request.streams:
            self._system.turns.streams.join(request.message_id, self._outlet, request.ref)
        self._answer(request, request.message_id)

    def _awaited(self, request: AwaitAnswer, outcome: Outcome) -> None:
        """The answer comes after all chunks, and no chunk after it."""
        if request.stream is not None:
            self._system.turns.streams.leave(request.message_id, self._outlet, request.stream)
            self._outlet.flush()
        self._told(request, outcome)

    def _told(self, request: AnyRequest, outcome: Outcome) -> None:
        answered = {"value": outcome.output, "error": outcome.error, "detail": outcome.detail, "info": outcome.info}
        self._send(Answered(ref=request.ref, **answered))

    def _when_kept(self, request: AnyRequest, outcome: Done | Refused) -> None:
        """A client is told when the runtime that comes after this one would know it too."""
        self._system.store.sync(partial(self._done, request, outcome))

    def _done(self, request: AnyRequest, outcome: Done | Refused) -> None:
        match outcome:
            case Done(agent):
                self._answer(request, agent)
            case Refused(code, detail):
                error = ERROR_OF.get(
                    code, "StartFailed" if isinstance(request, StartAgent | ReloadAgent) else "AgentError"
                )
                info = self._cause_of(request) if code == Refusal.START_FAILED else None
                self._send(Answered(ref=request.ref, error=error, detail=detail or code, info=info))

    def _cause_of(self, request: AnyRequest) -> ErrorInfo | None:
        """Why the agent of a request did not start."""
        agent = request.spec.id if isinstance(request, StartAgent) else getattr(request, "agent", "")
        return self._system.departures.cause_of(agent)

    def _ready(self, request: AnyRequest, failure: str) -> None:
        if failure:
            self._send(Answered(ref=request.ref, error="StartFailed", detail=failure))
        else:
            self._answer(request, None)

    def _answer(self, request: AnyRequest, value: JsonValue) -> None:
        self._send(Answered(ref=request.ref, value=value))

    def _happened(self, wanted: Subscribe, record: Record) -> None:
        if wanted.kinds and record.event.kind not in wanted.kinds:
            return
        if wanted.agent is not None and getattr(record.event, "agent", None) != wanted.agent:
            return
        if wanted.kinds and self._channel.waiting_bytes > LOG_BYTES:
            self._left_out += 1
            return
        try:
            if self._left_out:
                left_out, self._left_out = LinesDropped(agent="", count=self._left_out), 0
                self._channel.send_soon(Happened(record=replace(record, event=left_out)))
            self._channel.send_soon(Happened(record=record))
        except (ChannelError, ValueError):
            with suppress(ChannelError, ValueError):
                self._channel.send_soon(Happened(record=shortened(record)))

    def _send(self, frame: Answered) -> None:
        try:
            self._channel.send(frame)
        except ChannelError as error:
            self._channel.send(Answered(ref=frame.ref, error=type(error).__name__, detail=str(error)))
        except ValueError as error:
            why = f"the answer cannot be written as JSON: {printable(str(error))}; {printable(frame.detail)}"
            self._channel.send(Answered(ref=frame.ref, error=frame.error or "ScrError", detail=why))


class Control:
    """The owner's connection and the listening socket.  `ended` is called when the owner is gone."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        system: System,
        *,
        path: Path,
        frame_bytes: int,
        stop_s: float,
    ) -> None:
        def admit(sock: socket.socket, gone: Callable[[Client], None]) -> Client:
            return Client(loop, sock, system, gone=gone, frame_bytes=frame_bytes, stop_s=stop_s)

        guard = Guard(within=Lineage.of(os.getppid()).runtimes, runtime=os.getpid())
        self._door = Door(loop, path, admit, CLIENTS_MAX, guard)
        self._owner: Client | None = None

    def own(self, sock: socket.socket, ended: Callable[[], None]) -> None:
        """Serve the owner; when its end closes, `ended` is called."""
        self._owner = self._door.welcome(sock, ended)
        self._owner.is_owner = True

    def tell_owner(self, error: ScrError) -> None:
        """Tell the owner, unasked, why the runtime ends."""
        if self._owner:
            self._owner.tell(error)

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._door.close()


def submitted(request: Submission, system: System) -> Message:
    """A client's message: nothing caused it.

    Raises UnknownAgent for an address that no agent has, StoreUnavailable while the store has too much to do already.
    """
    if request.to in {CLIENT, RUNTIME}:
        raise UnknownAgent(f"{request.to!r} is no agent; `scr ps` lists them")
    if system.store.status().pending >= system.limits.store_pending:
        raise StoreUnavailable("the store is too far behind to accept more; try again in a moment (`scr ps` tells)")
    refuse_uncarried(request.payload)
    at, run_id = time.time(), request.run_id
    envelope = origin(message_id=request.message_id, sender=CLIENT, to=request.to, at=at, run_id=run_id)
    return of_payload(request.payload, envelope)


def ref_in(body: bytes) -> int:
    """The number of a request that cannot be read; 0 when that cannot be found either."""
    found = REF.match(body)
    return int(found[1]) if found else 0
