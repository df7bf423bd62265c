"""Digests of files, remembered by path, size and times of change, so that no file is read through twice."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

THREADS = min(4, os.cpu_count() or 1)
SETTLED = 2.0  # seconds: what was changed later may change again without its times telling
TIMEOUT = 1.0  # seconds to wait for another process


class State(NamedTuple):
    """What tells a file from what it was: its path, bytes, and times of change of content and of anything (ns)."""

    path: bytes
    size: int
    changed: int
    touched: int


def digests_of(files: Sequence[Path], memory: Path) -> list[str]:
    """The digest of each file's content; "unreadable" where it cannot be read.

    Args:
        memory: the file that digests are remembered in, made if need be; where it cannot be used, all are computed.
    """
    settled = time.time_ns() - int(SETTLED * 1e9)
    states = [_state(file) for file in files]
    known: dict[State | None, str] = {}
    with suppress(sqlite3.Error, OSError), closing(_open(memory)) as database:
        for asked in filter(None, states):
            row = database.execute("SELECT * FROM digests WHERE path = ?", [asked.path]).fetchone()
            if row and row[:-1] == asked:
                known[asked] = row[-1]
    missing = [i for i, state in enumerate(states) if state not in known]
    with ThreadPoolExecutor(THREADS) as pool:
        computed = dict(zip(missing, pool.map(digest, [files[i] for i in missing]), strict=True))
    stable = [(*state, computed[i]) for i in missing if (state := states[i]) and max(state[2:]) < settled]
    if stable:
        with suppress(sqlite3.Error, OSError), closing(_open(memory)) as database, database:
            database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", stable)
    return [computed[i] if i in computed else known[state] for i, state in enumerate(states)]


def digest(file: Path) -> str:
    """The digest of a file's content, computed."""
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "blake2b").hexdigest()
    except OSError:
        return "unreadable"  # decoding it will say why


def _state(file: Path) -> State | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return State(os.fsencode(file.absolute()), found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _open(memory: Path) -> sqlite3.Connection:
    memory.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(memory, timeout=TIMEOUT)
    database.execute("CREATE TABLE IF NOT EXISTS digests (path BLOB PRIMARY KEY, size, changed, touched, digest)")
    return database
