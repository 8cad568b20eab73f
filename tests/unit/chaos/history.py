"""A run under one fault, as it should have been: what the checker is tested with."""

import copy
import json

from scr.chaos.inject.fault_result import Landed
from scr.chaos.judge.client_history import ClientTask
from scr.chaos.judge.evidence import Probes, RunEvidence
from scr.retry import Retry
from scr.specs import AgentSpec, Code
from scr.store.archive.row_index import READS

AGENTS = ("hand-1", "hand-2", "hand-3")
RETRY = Retry(attempts=3, base_s=1.0, jitter="none")
SPECS = {
    agent: AgentSpec(id=agent, code=Code(reference="a:A"), on_error="retry", retry=RETRY, park=agent != "hand-2")
    for agent in AGENTS
}
TASKS = 12
KILLED_AT = 6


class Story:
    """Rows, client and effects of a run of twelve tasks to three agents, one of which is killed with the seventh."""

    def __init__(self):
        self.rows = {name: [] for name in READS}
        self.asked, self.effects, self.landed, self.deploys = {}, {}, [], []
        self.n, self.handled = 0, dict.fromkeys(AGENTS, 0)
        self.incarnations = dict.fromkeys(AGENTS, 1)
        self.event("runtime_up", runtime="r", pid=1, run="story")
        for agent in AGENTS:
            self.start(agent)
        for place in range(TASKS):
            self.task(place)

    def event(self, kind, cause=0, **body):
        seq = len(self.rows["events"]) + 1
        body = json.dumps(body)
        event = {"seq": seq, "cause": cause, "at": seq / 10, "time": 1e9 + seq / 10, "kind": kind, "body": body}
        self.rows["events"].append(event)

    @property
    def seq(self):
        return len(self.rows["events"])

    def number(self):
        self.n += 1
        return self.n

    def start(self, agent):
        incarnation = self.incarnations[agent]
        if incarnation == 1:
            row = {"n": self.number(), "seq": self.seq, "agent": agent, "incarnation": 99, "gone_seq": None}
            self.rows["agents"].append(row)
        self.event("agent_starting", agent=agent, incarnation=incarnation, supervisor="team")
        self.event("agent_up", agent=agent, incarnation=incarnation, pid=100 + incarnation)

    def message(self, message_id, sender, recipient, kind, payload, **fields):
        row = {
            "n": self.number(),
            "message_id": message_id,
            "sender": sender,
            "recipient": recipient,
            "type": kind,
            "in_reply_to": None,
            "payload": json.dumps(payload),
            "seq": self.seq,
            "end_seq": None,
            "outcome": None,
            "parked": "",
        }
        self.rows["messages"].append(row | fields)
        return self.rows["messages"][-1]

    def task(self, place):
        key, agent = f"t-{place}", AGENTS[place % 3]
        message = self.message(key, "client", agent, "task", {"task_id": key, "input": place})
        self.event("message_accepted", message_id=key)
        self.event("message_delivered", message_id=key, agent=agent, incarnation=self.incarnations[agent])
        if place == KILLED_AT:
            self.kill(agent, key)
        begun = self.seq
        for kind, name in (("plain", "compute"), ("once", "charge")):
            self.effects[kind, key, name] = 1
            self.rows["steps"].append(
                {
                    "n": self.number(),
                    "message_id": key,
                    "name": name,
                    "state": "done",
                    "seq": self.seq,
                    "begun_seq": begun if kind == "once" else None,
                }
            )
            self.event("step_recorded", message_id=key, agent=agent, step=name)
        self.turn(message, agent, place)
        self.asked[key] = ClientTask(key, expected=place, acked=True, answers=(place,))

    def kill(self, agent, key):
        self.landed.append(Landed(1, "kill", "hand", agent, 101, self.seq / 10 + 0.01, self.seq / 10 + 0.01))
        self.event("agent_exited", agent=agent, incarnation=1, pid=101, reason="killed")
        self.incarnations[agent] = 2
        self.start(agent)
        self.event("message_delivered", message_id=key, agent=agent, incarnation=2, deliveries=2)

    def turn(self, message, agent, place):
        self.handled[agent] += 1
        key, seq = message["message_id"], self.seq
        message.update(end_seq=seq, outcome="turn")
        self.rows["turns"].append(
            {
                "n": self.number(),
                "seq": seq,
                "message_id": key,
                "agent": agent,
                "sends": f"a-{key}",
                "incarnation": self.incarnations[agent],
                "state": json.dumps({"handled": self.handled[agent]}),
            }
        )
        answer = {"in_reply_to": key, "outcome": "answer", "end_seq": seq}
        self.message(f"a-{key}", agent, "client", "result", {"task_id": key, "output": place}, **answer)
        self.event("turn_committed", message_id=key, agent=agent, incarnation=self.incarnations[agent])

    def evidence(self, **fields):
        run = {"run": "story", "seq": self.seq, "n": self.n, "epoch": 1}
        usual = {"limits": {"team": (3, 5.0)}, "specs": SPECS, "probes": Probes()}
        return RunEvidence(
            run=run,
            rows=self.rows,
            asked=self.asked,
            effects=self.effects,
            landed=tuple(self.landed),
            deploys=tuple(self.deploys),
            **(usual | fields),
        )


def story():
    """A fresh one."""
    return copy.deepcopy(WHOLE)


WHOLE = Story()
