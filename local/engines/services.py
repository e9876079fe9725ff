"""The running services of the local App Runner: a process of an image, and the proxy before it."""

import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lakehouse.errors import LocalError
from lakehouse.settings import APP
from local import layout, processes
from local.engines.images import Image

HEALTHY_SECONDS: Final = 60
_LOOK_SECONDS: Final = 2


@dataclass
class Service:
    """A service as it was asked for; `port` is the proxy's, which readers know."""

    name: str
    image: Image
    variables: Mapping[str, str]
    live: str
    port: int
    behind: int

    @property
    def process_name(self) -> str:
        """What its log and its process are called: the local stage's is `dashboard`."""
        return self.name.removeprefix(f"{APP}-{layout.STAGE}-")


class Services:
    """Starts, watches and stops them: who dies is started anew, as App Runner does."""

    def __init__(self) -> None:
        self._running: dict[str, Service] = {}
        self._lock = threading.RLock()
        threading.Thread(target=self._watch, daemon=True, name="app runner").start()

    def deploy(self, name: str, image: Image, variables: Mapping[str, str], live: str) -> str:
        """Starts the service, or replaces it at its address; its address without a scheme.

        Raises LocalError with the process's last words when it does not get healthy.
        """
        with self._lock:
            old = self._running.get(name)
            port = old.port if old else self._port()
            behind = old.behind if old else _free_port()
            service = Service(name, image, variables, live, port, behind)
            self.remove(name)
            self._start(service)
            front = [sys.executable, "-m", "local.engines.front", str(port), str(behind)]
            processes.start(f"{service.process_name}-front", front, _front_environment())
            self._running[name] = service
            try:
                self._wait_until_healthy(service)
            except LocalError:
                self.remove(name)
                raise
        return f"127.0.0.1:{port}"

    def remove(self, name: str) -> None:
        """Ends a service; harmless when there is none."""
        with self._lock:
            service = self._running.pop(name, None)
            if service is not None:
                for process in (f"{service.process_name}-front", service.process_name):
                    processes.end(process)

    def _start(self, service: Service) -> None:
        place = {"PORT": str(service.behind), "ADDRESS": "127.0.0.1"}
        # What a container's network would part, the port parts here.
        command, environment, directory = service.image.process({**service.variables, **place})
        processes.start(service.process_name, command, environment, directory)

    def _wait_until_healthy(self, service: Service) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while time.monotonic() < deadline:
            if _answers(f"http://127.0.0.1:{service.port}{service.live}"):
                return
            if not processes.is_running(service.process_name):
                break
            time.sleep(0.1)
        last = processes.tail(layout.LOGS / f"{service.process_name}.log")
        raise LocalError(f"{service.name} did not get healthy at {service.live}: {last}")

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                for service in self._running.values():
                    if not processes.is_running(service.process_name):
                        self._start(service)

    def _port(self) -> int:
        """The first service gets the port that was chosen for the dashboard."""
        chosen = layout.dashboard_port()
        with socket.socket() as probe:
            return _free_port() if probe.connect_ex(("127.0.0.1", chosen)) == 0 else chosen


def _front_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(layout.ROOT)}


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
