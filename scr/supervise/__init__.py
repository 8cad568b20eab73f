"""Supervision with the rules of Erlang/OTP, for agents that are operating-system processes.

`policy.decide(tree, fact)` is the whole mind and is pure; `supervisor` is the
thin shell that gives it facts and carries out its orders; `exits` says why a
process ended.  Supervisors are nodes of one tree of values, not processes:
what OTP does with a process per supervisor happens here in one `decide`, and
independent branches still do not wait for each other.

Where this differs from OTP, on purpose:

====================  =====================================  ===================================================
subject               OTP                                    here
====================  =====================================  ===================================================
restart limit         1 in 5 s (Erlang), 3 in 5 s (Elixir)   3 in 5 s; on float time, a restart exactly
                                                             `within_s` ago still counts
strategy              optional in Erlang                     always to be given
unknown keys          ignored                                an error
ids                   unique in one supervisor; none in a    unique in the whole tree: they are mail addresses;
                      dynamic one                            a listed id stays reserved for its supervisor
a supervisor's init   may ignore, fail, raise                is data: refused by `Tree.of` before anything starts
terminate, restart    two calls, down in between             the same, or one, `RecycleChild`: no monitor hears that the
                                                             child was gone, its mail stays, nothing is counted
start timeout         none                                   30 s, then killed, reaped and counted as a failed
                                                             start
reads                 wait while a child starts or stops     answered at any time
calls                 one at a time in each supervisor       one at a time for each child; a terminate does not
                                                             wait until a sibling is up
call from a child's   deadlock                               refused: `deadlock`
own start or stop
pause before restart  none                                   optional `backoff`, counted as every restart; refused
                                                             where it would disarm the limit
one restart too many  ends the supervisor                    the same, or with `park` the child alone stays down,
                                                             on a limit of its own
an exception in a     ends the process                       the same with `on_error="crash"`, the default here; with
handler                                                      "retry" the message is tried again in a fresh process,
                                                             and nothing is counted (`scr.charging`)
a death with a        counts as a restart                    the same; with "retry" it counts against the message
message in hand                                              alone
a child that was      is unknown                             its name, mail and state wait for the next child of that
added and is lost                                            name (`Fate`); those of a wanted end do not
with its supervisor
after SIGKILL         waits for ever                         waits 5 s, reports `Unkillable`, goes on without; no new
                                                             incarnation starts while the old one is there
whole shutdown        the sum of all budgets                 the same, or at most `EndTree.within_s`
a supervisor gives    reason `shutdown`                      the same, and `GaveUp` carries the chain of causes
up
exit while siblings   handled after the start                counted at once; started again in its turn
start
order of              last started first                     start order
`which_children`
arguments of all      prepended or appended                  `extra_options`, under the child's own
dynamic children
one-off work          a Task.Supervisor with its own         `restart="temporary"` on any agent; 5 s to stop is the
                      defaults                               default of all
exit 0 without an     normal                                 error: a thread crashed, or `os._exit(0)`
exit record
a child unlinks       dies unseen                            impossible: the kernel always tells the parent
itself
links, `trap_exit`    yes                                    not built: an agent's death harms no other agent;
                                                             monitors are
monitors              `DOWN` at the end of each process      `down` when the agent has ended for good, not at each
                                                             restart: agents are durable over incarnations and
                                                             messages are delivered again; one for each who asked,
                                                             however often they did, none after `ctx.demonitor`
not ported            hot code change, hibernate, modules, one template spec for all dynamic children,
                      partitions, `{ok, Pid, Info}`
====================  =====================================  ===================================================
"""
