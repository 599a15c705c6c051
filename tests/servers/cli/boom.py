"""A command that fails as nobody foresaw."""


def boom() -> None:
    """Divide by nought."""
    _ = 1 / 0
