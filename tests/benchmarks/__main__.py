"""Run every benchmark, one after the other, so that none takes the other's processor.

`python -m tests.benchmarks [--json]`: what follows the name is handed to each.
"""

import pkgutil
import subprocess
import sys

import tests.benchmarks


def main() -> int:
    """Run all; the exit code says whether all ran."""
    names = sorted(module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__))
    failed = []
    for name in (name for name in names if not name.startswith("_")):
        print(f"== {name}", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *sys.argv[1:]], check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
