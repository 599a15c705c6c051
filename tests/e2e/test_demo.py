"""The whole main job as its users have it: one command, a region dies, and what they saw."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

LEEWARD = str(Path(sys.executable).with_name("leeward"))
RATE = "200"
"""As the command's own default: less, and chance shows more than the failure does."""


def _left_over(directory: Path) -> list[str]:
    """Processes that have the directory in their command line or work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                here = str((entry / "cwd").readlink())
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state not in {"Z", "X"} and (str(directory) in line or here.startswith(str(directory))):
                found.append(f"{entry.name} {line}")
    return found


async def _gone(directory: Path) -> None:
    """Wait, within the caller's patience, until nothing is left: a killed parent's children die a moment after it."""
    for _ in range(600):
        if not _left_over(directory):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"still there: {_left_over(directory)}")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_region_dies_under_load_and_its_users_hardly_notice(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    demo = await asyncio.create_subprocess_exec(
        LEEWARD,
        *("demo", "--json", "--rate", RATE, "--dir", str(tmp_path / "demo"), "--report", str(report)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(280):
        out, err = await demo.communicate()
    assert demo.returncode == 0, err.decode()
    found = json.loads(out)
    assert found["detectionS"] is not None
    assert found["trafficLeftS"] is not None
    assert found["restoredS"] is not None
    assert found["failedRequests"] < 0.05 * found["totalRequests"]
    assert found["acknowledgedWrites"] > 0
    assert (found["lostWrites"], found["doubleActiveS"], found["residencyViolations"]) == (0, 0.0, 0)
    assert found["knobs"]
    assert set(found["holders"].values()) & {"dublin", None} == set()
    assert "What users saw" in report.read_text()
    assert _left_over(tmp_path) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_a_demo_that_is_stopped_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "demo"
    demo = await asyncio.create_subprocess_exec(
        LEEWARD,
        *("demo", "--rate", RATE, "--dir", str(home), "--report", str(tmp_path / "report.html")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert demo.stderr is not None
    async with asyncio.timeout(90):
        said = b""
        while b"Starting the control plane" not in said:
            said += await demo.stderr.readline()
        demo.send_signal(number)
        rest = await demo.stderr.read()
        await demo.wait()
        await _gone(home)
    assert demo.returncode != 0
    assert b"Traceback" not in said + rest
