"""Where the policies and runbooks are that come with Leeward."""

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent


def shipped(kind: Literal["policies", "runbooks"]) -> Path:
    """The folder of what is shipped: the checkout's own, or the copy inside an installed wheel.

    Raises FileNotFoundError when neither is there, which means that the installation is damaged.
    """
    in_checkout = (_CHECKOUT / "pyproject.toml").is_file()
    folder = _CHECKOUT / kind if in_checkout else _PACKAGE / "shipped" / kind
    if not folder.is_dir():
        raise FileNotFoundError(f"the shipped {kind} are missing at {folder}: install leeward again")
    return folder
