"""Frozen values made of valid parts are what pydantic makes of them."""

import pytest
from pydantic import ValidationError

from scr.messages import Ping, origin, to_json
from scr.protocol.frames import FROM_RUNTIME, Answer, Deliver

MESSAGE = Ping(**origin(message_id="m", sender="client", to="a", at=0.0))


@pytest.mark.parametrize(("kind", "given"), [(Answer, {"ref": 1}), (Deliver, {"message": MESSAGE, "deliveries": 2})])
def test_a_value_that_is_trusted_is_the_one_that_is_looked_at(kind, given):
    trusted, looked_at = kind.trusted(**given), kind(**given)
    assert trusted == looked_at
    assert FROM_RUNTIME.validate_json(to_json(trusted)) == looked_at
    assert trusted.model_copy(update={"kind": "x"}).kind == "x"
    with pytest.raises(ValidationError):
        trusted.ref = 2
