"""Processes, as /proc tells of them."""

from pathlib import Path


def children_of(pid):
    """All processes below one, by /proc."""
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    below, found = [pid], []
    while below:
        parent = below.pop()
        new = [child for child, of in parents.items() if of == parent]
        found += new
        below += new
    return found


def alive(pids):
    """Those that still run: an orphan that has ended may wait for its new parent to reap it."""
    return [pid for pid in pids if state(pid) not in {"", "Z", "X"}]


def state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
