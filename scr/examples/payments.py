"""A payment that happens once: `step_once` records the intent, and `reconcile` finds out what became of it.

The agent's process dies after the bank has the payment and before the agent has the receipt.
"""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

from pydantic import BaseModel

import scr


class Order(BaseModel):
    """What a task gives to the cashier."""

    book: str
    order: str
    amount: int


def charge(book: str, order: str, amount: int) -> str:
    """Write the payment into the bank's book, and die before the receipt is handed over."""
    with Path(book).open("a", encoding="utf-8") as lines:
        lines.write(f"{order}: {amount} paid\n")
    os.kill(os.getpid(), signal.SIGKILL)
    return "never reached in this example"


def look(book: str, order: str, amount: int) -> scr.Done | scr.NotDone:
    """Find out whether the order was paid.  Called with the arguments of `charge`."""
    receipt = f"{order}: {amount} paid"
    path = Path(book)
    is_paid = path.exists() and receipt in path.read_text(encoding="utf-8").splitlines()
    return scr.Done(receipt) if is_paid else scr.NotDone()


def pay(ctx: scr.Context, message: scr.Task) -> str:
    """Pay an order, once."""
    order = Order.model_validate(message.payload.input)
    return ctx.step_once.using(reconcile=look)("charge", charge, order.book, order.order, order.amount)


def main() -> None:
    """Pay one order, and count the payments in the bank's book."""
    with tempfile.TemporaryDirectory() as folder, scr.Runtime() as runtime:
        book = Path(folder) / "book"
        runtime.start_agent("cashier", pay)
        order = {"book": str(book), "order": "order-7", "amount": 25}
        print("receipt:", runtime.ask("cashier", order, key="order-7"))
        print("payments in the book:", len(book.read_text(encoding="utf-8").splitlines()))


if __name__ == "__main__":
    main()
