"""A bench for each launcher: the contract is the same for all."""

import pytest

from tests.contract.launch_harness import KINDS, Bench
from tests.contract.postgres_server import FAST, PostgresServer


@pytest.fixture(params=KINDS)
def bench(request):
    bench = Bench(request.param)
    yield bench
    bench.close()


@pytest.fixture(scope="session")
def postgres():
    """One server for all tests; each has a run, or a database, of its own."""
    server = PostgresServer(*FAST)
    yield server
    server.close()
