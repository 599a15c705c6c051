"""An installed wheel has all it needs, and finds it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.house.tree import ROOT, kept_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = WheelBuilder(str(ROOT))
    return Path(next(builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])))


def test_a_wheel_holds_the_packages_and_what_is_shipped_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        inside = set(opened.namelist())
    kept = {str(path) for path in kept_files()}
    shipped = {f"controlplane/shipped/{path}" for path in kept if path.startswith(("policies/", "runbooks/"))}
    packages = {path for path in kept if path.startswith(("controlplane/", "cli/"))}
    metadata = {name for name in inside if ".dist-info/" in name}
    assert shipped
    assert inside - metadata == shipped | packages
    assert any(name.endswith("licenses/LICENSE") for name in metadata)


def test_an_installed_wheel_finds_its_policies_and_runbooks(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from controlplane.load.shipped import shipped\n"
        "print(shipped('policies')); print(shipped('runbooks'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    found = [Path(line) for line in done.stdout.splitlines()]
    assert found == [tmp_path / "controlplane/shipped/policies", tmp_path / "controlplane/shipped/runbooks"]
    assert all(any(folder.rglob("*")) for folder in found)


def test_a_checkout_finds_its_own_policies() -> None:
    from controlplane.load.shipped import shipped

    assert shipped("policies") == ROOT / "policies"
