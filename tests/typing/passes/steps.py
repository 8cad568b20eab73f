"""Steps return what their functions return, and take what their functions take."""

from typing import assert_type

import scr


@scr.step
def fetch(url: str) -> dict[str, str]:
    return {url: ""}


@scr.step(name="grab", retry=scr.Retry(attempts=3))
async def grab(url: str) -> str:
    return url


def find(card: str, amount: int) -> scr.Done | scr.NotDone:
    return scr.Done(amount) if card else scr.NotDone()


async def find_async(card: str, amount: int) -> scr.NotDone:
    return scr.NotDone()


@scr.step_once(reconcile=find)
def charge(card: str, amount: int) -> int:
    return amount


async def charge_async(card: str, amount: int) -> int:
    return amount


def handle(ctx: scr.Context, message: scr.Task) -> None:
    assert_type(fetch("a"), dict[str, str])
    assert_type(charge("visa", amount=3), int)
    assert_type(ctx.step("double", max, 1, 2), int)
    assert_type(ctx.step.using(key=1, retry=scr.Retry())("charge", charge, "visa", 3), int)
    assert_type(ctx.step_once("charge", charge, "visa", 3), int)
    assert_type(ctx.step_once("charge", charge, "visa", 3, reconcile=find), int)
    assert_type(ctx.step_once.using(reconcile=find)("charge", charge, "visa", amount=3), int)


async def handle_async(ctx: scr.Context, message: scr.Task) -> None:
    assert_type(await grab("a"), str)
    assert_type(await ctx.step_async("charge", charge_async, "visa", 3), int)
    assert_type(await ctx.step_once_async("charge", charge_async, "visa", 3), int)
    assert_type(await ctx.step_once_async("charge", charge_async, "visa", 3, reconcile=find_async), int)
