"""A package's docstring is its constitution."""

import ast
import re

from tests.house.tree import ROOMS, ROOT, kept_files, parsed, python_files


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {path.parent for path in python_files(*ROOMS, "tests")}
    assert sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()) == []


def test_a_package_says_why_it_exists_and_what_may_live_there() -> None:
    packages = [path for path in python_files(*ROOMS) if path.name == "__init__.py"]
    silent = [
        str(path)
        for path in packages
        if not re.search(r"[Mm]ay live here.*[Mm]ay not", ast.get_docstring(parsed(path)) or "", re.DOTALL)
    ]
    assert silent == []


def test_a_test_folder_says_what_it_holds() -> None:
    packages = [path for path in python_files("tests") if path.name == "__init__.py"]
    assert [str(path) for path in packages if not ast.get_docstring(parsed(path))] == []


def test_the_packages_are_marked_as_typed() -> None:
    assert {"controlplane/py.typed", "cli/py.typed"} <= {str(path) for path in kept_files()}
