"""What a command said, and how it ended."""

import json
from dataclasses import dataclass


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self):
        assert self.out.count("\n") == 1, "one object and nothing else"
        return json.loads(self.out)
