"""`make setup` takes packages from where this machine's pip takes them."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.tree import ROOT

INDEX = "http://index.example/simple"
OTHER = "http://other.example/simple"


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_DEFAULT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    spec = importlib.util.spec_from_file_location("setup", ROOT / ".ci" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_index_of_a_pip_configuration_file_is_handed_to_uv(setup: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {INDEX}\nextra-index-url =\n  {OTHER}\n  {OTHER}/2\n")
    given = setup.uv_settings()
    assert given["UV_DEFAULT_INDEX"] == INDEX
    assert given["UV_INDEX"] == f"{OTHER} {OTHER}/2"
    assert given["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_the_environment_of_pip_beats_its_file(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {OTHER}\ncert = /old.pem\n")
    monkeypatch.setenv("PIP_INDEX_URL", INDEX)
    monkeypatch.setenv("PIP_CERT", "/new.pem")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    given = setup.uv_settings()
    assert given["UV_DEFAULT_INDEX"] == INDEX
    assert given["SSL_CERT_FILE"] == "/new.pem"
    assert given["UV_FIND_LINKS"] == "/wheels,/more"


def test_without_any_configuration_uv_is_told_of_no_index(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # pip then reads none of its files
    assert "UV_DEFAULT_INDEX" not in setup.uv_settings()


def test_a_package_is_cut_out_of_the_constraints_with_its_hashes(setup: ModuleType) -> None:
    block = setup.pinned("uv")
    assert block.startswith("uv==")
    assert "--hash=sha256:" in block
    assert "uvicorn" not in block
