"""Steps that are given what their functions do not take, and answers that are none."""

import scr


def find(card: str) -> bool:
    return bool(card)


@scr.step
def fetch(url: str) -> str:
    return url


@scr.step_once(reconcile=find)  # E: arg-type / reportArgumentType
def charge(card: str) -> int:
    return len(card)


def handle(ctx: scr.Context, message: scr.Task) -> None:
    scr.step(retry=3)  # E: call-overload / reportArgumentType
    fetch(1)  # E: arg-type / reportArgumentType
    n: int = ctx.step("fetch", fetch, "a")  # E: assignment / reportAssignmentType
    ctx.step("fetch", fetch, 1)  # E: arg-type / reportArgumentType
    ctx.step("fetch", fetch)  # E: call-arg / reportCallIssue
    ctx.step_once("charge", charge, 1)  # E: call-overload / reportArgumentType
    ctx.step_once("charge", charge, "a", reconcile=find)  # E: arg-type / reportCallIssue
    ctx.step_once.using(reconcile=find)  # E: arg-type / reportArgumentType
    print(n)
