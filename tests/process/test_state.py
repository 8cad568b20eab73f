"""What a turn has committed is what the next process of the agent has; what would not be is refused in that turn."""

import signal
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel, Field, PrivateAttr

import scr
from scr.errors import ScrError


class Item(BaseModel):
    name: str = ""


class Priced(Item):
    price: int = 0


class Cart(scr.Agent):
    class State(BaseModel):
        user_id: int = Field(0, alias="userId")
        items: list[Item | Priced] = []
        only: list[Item] = []
        by_number: dict[int, tuple[Decimal, ...]] = {}
        at: datetime | None = None
        big: int = 0
        _pid: int = PrivateAttr(0)

    def on_task(self, ctx, message):
        match message.payload.input:
            case "fill":
                self.state.user_id, self.state.big = 7, 10**400
                self.state.items.append(Priced(name="pen", price=3))
                self.state.by_number[1] = (Decimal("1.00"),)
                self.state.at = datetime(2026, 3, 4, tzinfo=UTC)
            case "spoil":
                self.state.only.append(Priced(name="pen", price=3))
        ctx.reply([repr(self.state).replace("TzInfo(0)", "datetime.timezone.utc"), ctx.incarnation])


def test_the_next_process_has_the_committed_state_exactly(story):
    story.runtime.start_agent("cart", Cart)
    before, first = story.runtime.ask("cart", "fill")
    assert "Priced(name='pen', price=3)" in before
    story.runtime.signal_agent("cart", signal.SIGKILL)
    story.until("agent_up", count=2, agent="cart")
    assert story.runtime.ask("cart", "show") == [before, first + 1]


def test_a_turn_whose_state_would_not_come_back_is_refused_with_the_field_and_changes_nothing(story):
    story.runtime.start_agent("cart", Cart)
    before, _ = story.runtime.ask("cart", "fill")
    with pytest.raises(ScrError, match=r"state of cart: only\[0\]: a Priced came back as an Item; declare the field"):
        story.runtime.ask("cart", "spoil")
    assert story.runtime.ask("cart", "show")[0] == before
