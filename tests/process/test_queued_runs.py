"""A queued run that no runtime has had: its first message is accepted, and delivered for the first time."""

import scr
from scr.messages import CLIENT, Task, origin
from scr.specs import AgentSpec, Code, SupervisorSpec
from scr.store.archive.archive import open_archive

TREE = SupervisorSpec(
    id="root", strategy="one_for_one", children=(AgentSpec(id="counter", code=Code(reference=f"{__name__}:Counter")),)
)


class Counter(scr.Agent):
    def on_task(self, ctx, message):
        ctx.reply(ctx.deliveries)


def test_a_first_message_is_accepted_and_is_delivery_1_and_the_run_is_done_with_its_answer(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db?durability=process"
    envelope = origin(message_id="run", sender=CLIENT, to="counter", at=1.0)
    with open_archive(url, create=True) as archive:
        archive.create("run", TREE, Task(payload={"task_id": "run", "kind": "count"}, **envelope))
        ticket = archive.hold("run", 60.0)
        runtime = scr.Runtime(TREE, store=url, run="run")
        runtime.ticket = ticket
        with runtime:
            assert runtime.attach("run").result(20) == 1
            assert archive.run("run").state == "done"
        events = [record.event for record in archive.events("run")]
    accepted, delivered = (
        next(event for event in events if event.kind == f"message_{what}") for what in ("accepted", "delivered")
    )
    assert (accepted.message_id, accepted.title, delivered.deliveries) == ("run", "count", 1)
