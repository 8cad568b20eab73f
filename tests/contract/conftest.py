"""A bench for each launcher: the contract is the same for all."""

import pytest

from tests.contract.launch_bench import KINDS, Bench


@pytest.fixture(params=KINDS)
def bench(request):
    bench = Bench(request.param)
    yield bench
    bench.close()
