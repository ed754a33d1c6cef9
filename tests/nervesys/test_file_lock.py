"""A file lock excludes other processes, ends with its holder, and does not survive in a forked child."""

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from nervesys.file_lock import FileLock


def is_free(path: Path) -> bool:
    lock = FileLock(path)
    try:
        return lock.acquire(wait=False)
    finally:
        lock.close()


def hold(path: Path, held: Event) -> None:
    FileLock(path).acquire()
    held.set()
    time.sleep(60)


def test_only_one_holds_it_until_it_is_released_or_closed(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "lock"
    with FileLock(path) as first:
        assert not is_free(path)
        first.release()
        assert is_free(path)
        first.acquire()
        assert not is_free(path)
    assert is_free(path)
    first.close()  # a second time


def test_the_kernel_releases_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    process = context.Process(target=hold, args=(tmp_path / "lock", held))
    process.start()
    assert held.wait(60)
    assert not is_free(tmp_path / "lock")
    process.kill()
    process.join()
    with FileLock(tmp_path / "lock"):
        pass


def test_a_forked_child_does_not_keep_it_after_its_parent_closed_it(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"1")  # by now the child has closed its copies
        time.sleep(60)
        os._exit(0)
    try:
        assert os.read(reader, 1)
        assert not is_free(tmp_path / "lock"), "the child's close does not release it"
        lock.close()
        assert is_free(tmp_path / "lock")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)
