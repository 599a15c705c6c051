"""Make `.venv` in the root from the constraints file, hashes checked, with the project installed editable.

It uses whatever package index the machine's pip is configured for, and names none: uv does not read pip's
configuration, so its index, certificate, links and time-out are handed on in uv's own environment variables.
Standard library only, since it runs before anything is installed. Quick when nothing has changed.

    python3 .ci/setup.py             make or refresh .venv
    python3 .ci/setup.py --compile   resolve pyproject.toml anew into constraints.txt
"""

import ast
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
CONSTRAINTS = ROOT / "constraints.txt"
STAMP = VENV / "leeward-setup"
OLDEST = (3, 11)
TIMEOUT_S = 1800
ATTEMPTS = 3

# pip's name of a setting, and uv's variable for it. A variable that is set already is left alone.
SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


def main() -> int:
    """Do what was asked, one at a time; a second call waits for the first."""
    if sys.version_info < OLDEST:
        print(f"leeward needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    with (ROOT / ".setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            if "--compile" in sys.argv:
                compile_constraints()
            elif STAMP.is_file() and STAMP.read_text() == fingerprint() and (VENV / "bin" / "leeward").exists():
                return 0
            else:
                install()
        except subprocess.CalledProcessError as error:
            print(f"setup: this failed with exit code {error.returncode}: {error.cmd[0]} …", file=sys.stderr)
            if not (VENV / "bin" / "pip").exists():
                print("setup: this Python cannot make environments; on Debian, install python3-venv", file=sys.stderr)
            return 1
    return 0


def install() -> None:
    """Lay the environment: the pinned set with its hashes, then the project itself on top."""
    STAMP.unlink(missing_ok=True)
    make_venv()
    run_patiently([str(UV), "pip", "install", "--quiet", "--require-hashes", "--requirement", str(CONSTRAINTS)])
    run([str(UV), "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    STAMP.write_text(fingerprint())
    print("setup: .venv is ready; the command is .venv/bin/leeward")


def compile_constraints() -> None:
    """Resolve for every supported Python, and write down what was found without saying where."""
    make_venv()
    args = ["--all-extras", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    args += ["--no-emit-find-links", "--no-header", "--no-annotate", "--quiet"]
    run([str(UV), "pip", "compile", "pyproject.toml", *args, "--output-file", CONSTRAINTS.name, *extra_compile_args()])
    text = CONSTRAINTS.read_text()
    if "://" in text or str(ROOT) in text:
        raise SystemExit("setup: constraints.txt names an address or a path of this machine; do not commit it")


def extra_compile_args() -> list[str]:
    """`--upgrade` asks for the newest of everything; otherwise what is pinned stays unless it no longer fits."""
    return ["--upgrade"] if "--upgrade" in sys.argv else []


def make_venv() -> None:
    """A virtual environment of the interpreter that runs this, with uv in it at the pinned version."""
    if not made_by_this_python():
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
    wanted = pinned("uv")
    if is_there(wanted):
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(wanted)
        requirement.flush()
        hashed = ["--require-hashes"] if "--hash" in wanted else []
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *hashed]
        run_patiently([*pip, "--requirement", requirement.name])


def made_by_this_python() -> bool:
    """A virtual environment doesn't survive a move of its folder or a change of its Python."""
    if not (PYTHON.exists() and (VENV / "bin" / "pip").exists()):
        return False
    ask = "import sys; print(sys.prefix, sys.version)"
    answer = subprocess.run([str(PYTHON), "-c", ask], capture_output=True, text=True, timeout=60, check=False)
    return answer.stdout.strip() == f"{VENV} {sys.version}"


def is_there(wanted: str) -> bool:
    """Whether uv is in the environment already, at the version that is asked for."""
    if not UV.exists():
        return False
    answer = subprocess.run([str(UV), "--version"], capture_output=True, text=True, timeout=60, check=False)
    return wanted.partition("==")[2].split(" ")[0].strip() in answer.stdout.split()


def pinned(package: str) -> str:
    """The lines of one package in the constraints file; the bare name before there is one."""
    text = CONSTRAINTS.read_text() if CONSTRAINTS.is_file() else ""
    match = re.search(rf"^{package}==.*?(?=^[a-z]|\Z)", text, re.MULTILINE | re.DOTALL)
    return match[0] if match else f"{package}\n"


def fingerprint() -> str:
    """Everything that, when it changes, asks for the environment to be laid anew."""
    parts = [CONSTRAINTS.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), Path(__file__).read_bytes()]
    return hashlib.sha256(b"\0".join([*parts, sys.version.encode(), str(VENV).encode()])).hexdigest()


def run(command: list[str]) -> None:
    """Run one installer in the root, with pip's settings put into uv's words."""
    environment = {**uv_settings(), **os.environ, "VIRTUAL_ENV": str(VENV)}
    environment.pop("PYTHONHOME", None)
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=True)


def run_patiently(command: list[str]) -> None:
    """Try three times: the mirrors behind one index are not always in step, nor always there."""
    for attempt in range(1, ATTEMPTS):
        try:
            return run(command)
        except subprocess.CalledProcessError:
            print(f"setup: attempt {attempt} of {ATTEMPTS} failed; trying again", file=sys.stderr)
            time.sleep(attempt * 2)
    return run(command)


def uv_settings() -> dict[str, str]:
    """What the machine's pip is told by its files and its environment, as uv's variables."""
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=120, check=True
    )
    settings = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):  # the environment wins
        key, _, quoted = line.partition("=")
        section, _, name = key.rpartition(".")
        if name not in SETTINGS or section not in {"global", "install", ":env:"}:
            continue
        words = str(ast.literal_eval(quoted)).split()
        separator = "," if name == "find-links" else " "
        settings[SETTINGS[name]] = separator.join(words)
    if "UV_INDEX" in settings:
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip looks at all indexes as equals
    return settings


if __name__ == "__main__":
    sys.exit(main())
