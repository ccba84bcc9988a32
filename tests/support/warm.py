"""Starts `python -m MODULE` by forking a process that has imported what the module needs.

Imports are four fifths of the CPU time of a start: 2.2 s of a core became 0.4 s. What runs is the same: a process of
its own with its own environment, folder, streams and end. Where the start is what a test is about, it starts a program.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import importlib
import json
import multiprocessing.util
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

# What they import at their start, without themselves: they are to run as `__main__`. Of the app nothing, since its
# modules tell Streamlit of their parts when they are imported.
IMPORTS = {
    "server.cli": ("server.process", "server.commands.running", "server.worker", "server.run_worker", "scipy.stats"),
    "streamlit": ("streamlit.web.cli", "streamlit.web.bootstrap", "plotly.graph_objects", "pandas", "server.client"),
}
SHORT, LONG = 64, 1 << 17  # bytes of one message
PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36  # linux/prctl.h
SPAWNED = "spawned"  # how psutil calls what a server spawned


class Program:
    """As much of `subprocess.Popen` as tests use."""

    def __init__(self, pid: int, ending: socket.socket) -> None:
        self.pid, self.returncode, self._ending = pid, None, ending
        self.returncode: int | None

    def poll(self) -> int | None:
        """The exit code, negative of a signal; null while it runs."""
        return self._code(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        code = self._code(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _code(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._ending], [], [], timeout)[0]:
            self.returncode = int(self._ending.recv(SHORT))
            self._ending.close()
        return self.returncode


def start(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, out: IO[bytes] | None = None
) -> Program:
    """Start the module; both its streams go to `out`, or nowhere."""
    with Path(os.devnull).open("r+b") as nowhere:
        stream = (out or nowhere).fileno()
        return _fork([module, *arguments], dict(environment), folder, (nowhere.fileno(), stream, stream))


def run(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the module to its end, for a minute at most."""
    with ExitStack() as stack:
        typed, *told = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(3))
        typed.write(stdin or "")
        typed.seek(0)
        program = _fork([module, *arguments], environment, folder, [file.fileno() for file in (typed, *told)])
        stack.callback(program.kill)
        code = program.wait(60)
        for file in told:
            file.seek(0)
        return subprocess.CompletedProcess([module, *arguments], code, *(file.read() for file in told))


def _fork(command: Sequence[str], environment: Mapping[str, str], folder: Path, streams: Sequence[int]) -> Program:
    """Streams are standard input, output and error."""
    near = _forker(command[0])
    ending, ended = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ended:
        told = json.dumps((command, environment, str(folder.resolve())))
        socket.send_fds(near, [told.encode()], [*streams, ended.fileno()])
        return Program(int(near.recv(SHORT)), ending)


@cache
def _forker(module: str) -> socket.socket:
    """The process that forks, one for each module; it ends with this one."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with far:
        command = [sys.executable, __file__, module, str(far.fileno())]
        process = subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)
    atexit.register(process.wait)
    atexit.register(near.close)
    return near


def _forked(far: socket.socket) -> list[str] | None:
    """Fork at each request. The words of the command in the child; null in the parent once nobody asks any more."""
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: it ends with the tests
    running: dict[int, int] = {}
    while True:
        ready = select.select([far, waking], [], [])[0]
        if waking in ready:
            waking.recv(SHORT)
            _tell_ends(running)
        if far not in ready:
            continue
        raw, (*files,), _, _ = socket.recv_fds(far, LONG, 4)
        if not raw:
            for pid in running:  # of tests that were killed
                os.kill(pid, signal.SIGTERM)
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in (far, waking, woken):
                end.close()
            return _become(json.loads(raw), files, running.values())
        for file in files[:3]:
            os.close(file)
        running[pid] = files[3]
        far.send(str(pid).encode())


def _tell_ends(running: dict[int, int]) -> None:
    for pid in [*running]:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with suppress(OSError):  # nobody waits for it any more
                os.write(running[pid], str(os.waitstatus_to_exitcode(status)).encode())
            os.close(running.pop(pid))


def _become(told: Any, files: Sequence[int], others: Any) -> list[str]:
    """Take on what a process is started with, and let go of what it is not; returns its command."""
    command, environment, folder = told
    for stream in range(3):
        os.dup2(files[stream], stream)
    for file in (*files, *others):
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    added = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    sys.path[:1] = [folder, *added]  # as `-m` has it; plug-ins come by PYTHONPATH
    return list(command)


def _nurse_spawned() -> None:
    """Fork what this process spawns from a child that has imported all and runs no threads: 3 s of a core become 0.1.

    Its parent is this process, as of any that it spawns: the one between the two ends, and leaves it to the nearest
    that takes such orphans.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent, turn, spawn = os.getpid(), threading.Lock(), multiprocessing.util.spawnv_passfds
    if os.fork() == 0:
        near.close()
        _nurse(far, parent)
    far.close()

    def nursed(path: bytes, words: Sequence[str], files: Sequence[int]) -> int:
        if "--multiprocessing-fork" not in words:
            return spawn(path, words, files)
        with turn:
            told = json.dumps(([os.fsdecode(word) for word in words], dict(os.environ), sorted(files)))
            socket.send_fds(near, [told.encode()], sorted(files))
            return int(near.recv(SHORT))

    multiprocessing.util.spawnv_passfds = nursed


def _nurse(far: socket.socket, parent: int) -> None:
    """Fork at each request, and end with the process that asks. Goes on in the forked ones to their end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        raw, (*files,), _, _ = socket.recv_fds(far, LONG, 64)
        if not raw:
            os._exit(0)
        told, telling = os.pipe()
        between = os.fork()
        if between == 0:
            pid = os.fork()
            if pid:
                os.write(telling, str(pid).encode())
                os._exit(0)
            while os.getppid() != parent:
                time.sleep(0.001)
            for end in (far.detach(), told, telling):
                os.close(end)
            _spawned(json.loads(raw), files)
        os.waitpid(between, 0)
        far.send(os.read(told, SHORT))
        for file in (*files, told, telling):
            os.close(file)


def _spawned(told: Any, files: Sequence[int]) -> NoReturn:
    """What Python does that is started with these words, environment and files."""
    words, environment, numbers = told
    ctypes.CDLL(None).prctl(PR_SET_NAME, SPAWNED.encode(), 0, 0, 0)
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, max(numbers) + 100) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(high, numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    at = words.index("-c")
    sys.argv = words[at : at + 1] + words[at + 2 :]
    code = 1
    try:
        exec(words[at + 1], {"__name__": "__main__"})  # noqa: S102 - as Python does
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        traceback.print_exc()
    finally:
        os._exit(code)  # its last collection would copy all pages


def _scan_components() -> None:
    """Streamlit looks for components in the metadata of all installed packages, half of what is left of its start."""
    from streamlit.components.v2 import manifest_scanner  # noqa: PLC0415 - of the app's processes alone

    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
    manifest_scanner.scan_component_manifests()


def main(module: str, number: str) -> None:
    for name in IMPORTS[module]:
        importlib.import_module(name)
    if module == "streamlit":
        _scan_components()
    gc.collect()
    gc.freeze()  # a collection in a child would copy all pages
    command = _forked(socket.socket(fileno=int(number)))
    atexit.register(gc.unfreeze)  # else DuckDB's binding reports what was frozen as leaked
    if command is not None:
        if module == "server.cli":
            _nurse_spawned()
        sys.argv = command
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
