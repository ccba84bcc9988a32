"""A real `assay serve` for a benchmark: own data folder, free ports, readings from the outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil


def shared(*parts: str) -> Path | None:
    """A path in the folder of shared measuring data, or null (said aloud) when it is absent."""
    path = Path(os.environ.get("ASSAY_SHARED", "../shared"), *parts)
    if path.exists():
        return path
    print(f"skipped: {path} is absent; set ASSAY_SHARED to the folder that holds {'/'.join(parts)}")
    return None


class Server:
    """One `assay serve` over `data_dir`; start and stop as often as needed."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        self.env = {
            **os.environ,
            "ASSAY_DATA_DIR": str(data_dir),
            **{f"ASSAY_{name}": "0" for name in ("OTLP_HTTP_PORT", "OTLP_GRPC_PORT", "API_PORT")},
            **{f"ASSAY_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.note: dict[str, str] = {}

    def start(self, timeout_s: float = 60) -> Self:
        """Start and wait until `/readyz` answers 200."""
        where = self.data_dir / "server.json"
        where.unlink(missing_ok=True)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("assay")), "serve"], env=self.env, stdout=log, stderr=log
            )
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                message = (self.data_dir / "serve.log").read_text()[-2000:]
                raise RuntimeError(f"assay serve stopped with {self.process.returncode}:\n{message}")
            try:
                self.note = json.loads(where.read_text())
                if httpx.get(f"{self.api}/readyz").status_code == httpx.codes.OK:
                    return self
            except (OSError, ValueError, KeyError, httpx.HTTPError):
                time.sleep(0.05)
        raise RuntimeError(f"assay serve was not ready after {timeout_s} s; see {self.data_dir / 'serve.log'}")

    @property
    def api(self) -> str:
        return self.note["api_url"].rstrip("/")

    @property
    def otlp(self) -> str:
        return self.note["otlp_http_url"].rstrip("/")

    @property
    def grpc(self) -> str:
        return self.note["otlp_grpc_address"]

    def kill(self) -> None:
        """SIGKILL: the crash that the promises are about."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for the drain."""
        self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait(60)

    def cpu_s(self) -> float:
        """CPU seconds of the server and its processes so far, user and system."""
        times = [process.cpu_times() for process in self._all()]
        return float(sum(each.user + each.system for each in times))

    def rss_mb(self) -> float:
        """Memory of the server and its processes, pages that they share counted in each."""
        return float(sum(process.memory_info().rss for process in self._all()) / 1e6)

    def memory(self) -> str:
        """The same by process, as a sentence; and the sum with shared pages counted once (Linux)."""
        told, once = [], 0
        for process in self._all():
            found = process.memory_full_info()
            once += getattr(found, "pss", 0)
            told.append(f"{self._kind(process)} {found.rss / 1e6:.0f}")
        return f"{self.rss_mb():.0f} MB ({', '.join(told)}); shared pages counted once: {once / 1e6:.0f} MB"

    def _kind(self, process: psutil.Process) -> str:
        if process.pid == self._ps().pid:
            return "server"
        if process.nice() > self._ps().nice():
            return "what-if"
        return "decoding" if "spawn_main" in " ".join(process.cmdline()) else "tracker"

    def disk_bytes(self) -> int:
        return sum(f.stat().st_size for f in self.data_dir.glob("assayline.duckdb*"))

    def _all(self) -> list[psutil.Process]:
        return [self._ps(), *self._ps().children(recursive=True)]

    def _ps(self) -> psutil.Process:
        assert self.process is not None, "the server was not started"  # noqa: S101 - a benchmark, not the product
        return psutil.Process(self.process.pid)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
