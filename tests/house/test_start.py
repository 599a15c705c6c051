"""The command answers at once: what the command at hand doesn't use, it must not import."""

import json
import subprocess
import sys

from cli.table import COMMANDS
from tests.house.tree import ROOT

HEAVY = {"aiohttp", "boto3", "consul", "grpc", "highspy", "kubernetes", "sqlalchemy"}
NOT_FOR_HELP = HEAVY | {"asyncio", "httpx", "jinja2", "numpy", "pydantic", "starlette", "tenacity", "uvicorn", "yaml"}


def _imported_by(program: str) -> set[str]:
    ends = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{ends}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_imports_nothing_that_it_does_not_use() -> None:
    program = (
        "import sys; sys.argv = ['leeward', '--help']\n"
        "from cli.main import main\n"
        "try: main()\n"
        "except SystemExit as done: assert not done.code"
    )
    assert _imported_by(program) & NOT_FOR_HELP == set()


def test_reading_the_help_of_any_command_imports_no_heavy_library() -> None:
    program = "from cli.main import Lazy\nfrom cli.table import COMMANDS\nfor row in COMMANDS: Lazy(row).load()"
    assert _imported_by(program) & HEAVY == set()


def test_every_command_of_the_table_has_a_name_of_its_own_and_one_line_of_help() -> None:
    names = [row.name for row in COMMANDS]
    assert sorted(set(names)) == sorted(names)
    assert [row.name for row in COMMANDS if "\n" in row.help or not row.help.endswith(".") or len(row.help) > 90] == []
