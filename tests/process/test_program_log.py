"""What a program's own log and its stderr say of what goes wrong in its agents."""

import subprocess
import sys

PROGRAM = """
import logging, os, signal, sys
import scr


def dies_once(ctx, message):
    print("on stdout of the agent")
    if ctx.deliveries == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def refuses(ctx, message):
    raise scr.Fatal("no such customer")


def troubles(runtime, n):
    runtime.start_agent(f"dies-{n}", dies_once)
    runtime.start_agent(f"refuses-{n}", refuses)
    assert runtime.ask(f"dies-{n}", None) == "done"
    try:
        runtime.ask(f"refuses-{n}", None)
    except scr.TaskFailed:
        if not os.fork():
            sys.exit()  # a fork has nothing to tell
        os.wait()


SETTINGS = scr.Settings(standbys=0)
with scr.Runtime(settings=SETTINGS, quiet=True) as runtime:
    troubles(runtime, 1)
with scr.Runtime(settings=SETTINGS, store="sqlite:///s.db") as runtime:
    troubles(runtime, 2)
    before = runtime.pid
    os.kill(before, signal.SIGKILL)
    runtime.wait_ready()
    assert runtime.pid != before
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    troubles(runtime, 3)
"""


def count(text, words):
    return {word: sum(word in line for line in text.splitlines()) for word in words}


def test_troubles_are_on_stderr_once_without_any_set_up_and_output_where_the_program_wants_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=50, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    dead = "to refuses-{} is a dead letter after 1 delivery (failed); see `scr dead`"
    once = {
        "agent dies-2 (pid": 1,
        "agent refuses-2 failed in message": 1,
        dead.format(2): 1,
        "the runtime died; another one (pid": 1,
        "WARNING scr.agents.dies-3 agent dies-3 (pid": 1,
        "INFO scr.agents.dies-3 on stdout of the agent": 2,
        "WARNING scr.agents.refuses-3 agent refuses-3 failed in message": 1,
        dead.format(3): 1,
        "ERROR scr task ": 1,
    }
    assert count(done.stderr, once) == once, done.stderr
    silent = {"dies-1": 0, "refuses-1": 0, "INFO scr.agents.dies-2": 0, "Exception": 0}
    assert count(done.stderr, silent) == silent, done.stderr
