"""`make bench-transport`: p95 of a filter change over the transport and over a plain WebSocket.

Sessions move the page's filter each second or so, in rounds that take turns: all of them over the
WebSocket, then all of them over the transport, with the same server. With `--loss` the sessions go
through a proxy at the end, which dies for so many seconds. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.stage import free_port
from bench.transport.reader import Reader, Transported, Way, by_transport, by_websocket

SEED: Final = 20261127
Open = Callable[[int], AbstractAsyncContextManager[Way]]


def main(arguments: list[str] | None = None) -> int:
    """Runs the rounds; 1 when a session failed, timings never fail."""
    parser = argparse.ArgumentParser(prog="python -m bench.transport", description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=1, help="of each way, in all its rounds")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--pause", type=float, default=4, help="seconds between changes, on average"
    )
    parser.add_argument("--loss", type=float, default=0, help="seconds without a network")
    chosen = parser.parse_args(arguments)
    port = free_port()
    with tempfile.TemporaryDirectory() as directory, _server(port, Path(directory)):
        told = asyncio.run(_measure(port, chosen))
        if chosen.loss:
            told["loss"] = asyncio.run(_lose(port, chosen, Path(directory)))
    for name in ("websocket", "transport"):
        way = told[name]
        print(
            f"{name:<10} {way['changes']} changes, median {way['median_ms']:.0f} ms, "
            f"p95 {way['p95_ms']:.0f} ms, {way['errors']} errors"
        )
    print(f"transport  {told['ratio_p95']:.2f} x the WebSocket's p95")
    if chosen.loss:
        print(f"{chosen.loss:.0f} s without a network: {told['loss']}")
    print(json.dumps({"bench": "transport", **vars(chosen), **told}))
    failed = told["websocket"]["errors"] + told["transport"]["errors"]
    return 1 if failed or told.get("loss", {}).get("errors") else 0


async def _measure(port: int, chosen: argparse.Namespace) -> dict[str, Any]:
    ways: dict[str, Open] = {"websocket": by_websocket, "transport": by_transport}
    times: dict[str, list[float]] = {name: [] for name in ways}
    errors: dict[str, int] = dict.fromkeys(ways, 0)
    for number in range(chosen.rounds):
        for name, way in ways.items():
            ends = time.monotonic() + chosen.minutes * 60 / chosen.rounds
            dice = [random.Random(f"{SEED}-{number}-{one}") for one in range(chosen.sessions)]
            ended = await asyncio.gather(
                *(_session(way, port, ends, chosen.pause, each) for each in dice),
                return_exceptions=True,
            )
            for session in ended:
                if isinstance(session, BaseException):
                    print(f"{name}: {session!r}", file=sys.stderr)
                    errors[name] += 1
                else:
                    times[name] += session
    if unseen := [name for name, found in times.items() if len(found) < 2]:
        raise SystemExit(f"no change in time over {unseen[0]}: run longer, --minutes")
    told: dict[str, Any] = {
        name: {
            "changes": len(found),
            "median_ms": round(statistics.median(found) * 1000, 1),
            "p95_ms": round(statistics.quantiles(found, n=20)[-1] * 1000, 1),
            "errors": errors[name],
        }
        for name, found in times.items()
    }
    told["ratio_p95"] = round(told["transport"]["p95_ms"] / told["websocket"]["p95_ms"], 2)
    return told


async def _session(
    way: Open, port: int, ends: float, pause: float, dice: random.Random
) -> list[float]:
    """Seconds of each change."""
    times = []
    async with way(port) as opened:
        reader = Reader(opened)
        await reader.open()
        await asyncio.sleep(dice.uniform(0, pause))
        while time.monotonic() < ends:
            times.append(await reader.move(dice.randrange(1, 1000)))
            await asyncio.sleep(dice.uniform(0.5, 1.5) * pause)
    return times


async def _lose(port: int, chosen: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """Each session moves its filter before, during and after; none may lose its state."""
    proxy = free_port()
    front = _front(proxy, port, directory)
    ready = asyncio.Barrier(chosen.sessions + 1)
    gone = asyncio.Event()

    async def one(number: int) -> int:
        async with by_transport(proxy) as way:
            assert isinstance(way, Transported)
            reader = Reader(way)
            await reader.open()
            await reader.move(number + 1)
            await ready.wait()
            await gone.wait()
            await reader.move(number + 2)  # sent while there is no network, taken when there is
            await reader.move(number + 3)
            if not reader.text.startswith("run 4 "):
                raise AssertionError(f"its state is gone: {reader.text!r}")
            return way.repeated

    sessions = [asyncio.create_task(one(number)) for number in range(chosen.sessions)]
    await ready.wait()
    front.kill()
    front.wait()
    gone.set()
    await asyncio.sleep(chosen.loss)
    front = _front(proxy, port, directory)
    ended = await asyncio.gather(*sessions, return_exceptions=True)
    front.kill()
    front.wait()
    failed = [session for session in ended if isinstance(session, BaseException)]
    for session in failed:
        print(f"loss: {session!r}", file=sys.stderr)
    repeated = sum(session for session in ended if isinstance(session, int))
    return {"sessions": len(ended), "errors": len(failed), "repeated_requests": repeated}


@contextmanager
def _server(port: int, directory: Path) -> Iterator[None]:
    serve = Path(__file__).with_name("serve.py")
    running = _start([str(serve)], {"PORT": str(port)}, directory / "server.log")
    try:
        _wait(port, running)
        yield
    finally:
        running.terminate()
        running.wait(20)


def _front(listen: int, target: int, directory: Path) -> "subprocess.Popen[bytes]":
    command = ["-m", "local.engines.front", str(listen), str(target)]
    running = _start(command, {}, directory / "front.log")
    _wait(listen, running)
    return running


def _start(command: list[str], variables: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **variables}
    environment["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=output, stderr=output
        )


def _wait(port: int, running: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2).close()
        except OSError:
            time.sleep(0.1)
            if running.poll() is not None:
                raise RuntimeError("the server ended") from None
        else:
            return
    raise RuntimeError("the server did not get ready")


if __name__ == "__main__":
    sys.exit(main())
