"""A store on a disk of its own that fills up, is emptied, and becomes read-only: run by the tests in a namespace."""

import subprocess
import sys
from pathlib import Path

from scr.config import Limits
from scr.errors import StoreUnavailable
from scr.store.archive.archive import open_archive
from tests.contract.store_harness import Bench, ids, task


def main(folder):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * 400_000)
    url, kept = f"sqlite:///{folder}/store.db", []
    bench = Bench(url, limits=Limits(store_patience_s=0.1, stop_s=20))
    while not bench.lost:
        name = f"m{len(kept)}"
        bench.store.accept(task(name, value="x" * 20_000), lambda name=name: kept.append(name))
        bench.pump(lambda name=name: bench.lost or name in kept)
    bench.close()
    print("lost:", bench.lost[0])
    ballast.unlink()
    bench = Bench(url)
    assert ids(bench.store.image) == kept
    bench.told(bench.store.accept, task("more", value="x" * 20_000))
    bench.close()
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    try:
        Bench(url)
    except StoreUnavailable as error:
        print("opened read-only:", error)
    with open_archive(url) as archive:
        listed = [listed.message.message_id for listed in archive.messages("run")]
    assert listed == [*kept, "more"]
    print("kept:", len(kept))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
