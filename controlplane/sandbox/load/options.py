"""What a run of the users is told, and how it is started."""

import sys
from dataclasses import dataclass
from pathlib import Path

from controlplane.sandbox.plan import SandboxPlan
from controlplane.sandbox.processes import Launch


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """``rate``: requests a second in all (None: the plan's demand). ``services``: only these (empty: every one with
    demand). ``retries``: how often a user tries again after a failure (0.5 s, then 1 s later). ``duration_s`` 0: until
    stopped. ``writes``: share of requests to services with a datastore that write (None: the plan's)."""

    rate: float | None = None
    services: tuple[str, ...] = ()
    timeout_s: float = 2.0
    retries: int = 0
    duration_s: float = 0.0
    writes: float | None = None
    seed: int = 1


def launch(plan: SandboxPlan, options: LoadOptions) -> Launch:
    """The users' process; results go to ``users/`` in the state directory."""
    given = {
        "--rate": options.rate,
        "--services": ",".join(options.services) or None,
        "--timeout": options.timeout_s,
        "--retries": options.retries,
        "--duration": options.duration_s,
        "--writes": options.writes,
        "--seed": options.seed,
    }
    flags = [text for flag, value in given.items() if value is not None for text in (flag, str(value))]
    argv = [sys.executable, "-m", "controlplane.sandbox.load", plan.directory, *flags]
    source = str(Path(__file__).resolve().parents[3])
    return Launch("users", "users", None, argv, plan.home, {"PYTHONPATH": source})
