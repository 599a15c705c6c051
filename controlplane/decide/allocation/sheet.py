"""A linear model being written down: columns, rows and entries as arrays, then HiGHS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from controlplane.decide.allocation.grid import Bools, Floats, Ints

if TYPE_CHECKING:
    import highspy
    from highspy._core import _Highs as Engine

Number = Floats | float

PRIMAL = 4
"""HiGHS' simplex_strategy for a solve that begins at a feasible basis; the default, dual, is for all others."""

_OPTIONS: tuple[tuple[str, bool | int | float], ...] = (
    ("output_flag", False),
    ("threads", 1),
    ("random_seed", 0),
    ("primal_feasibility_tolerance", 1e-9),
    ("dual_feasibility_tolerance", 1e-9),
    ("mip_feasibility_tolerance", 1e-9),
    ("mip_rel_gap", 0.0),
    ("mip_abs_gap", 1e-9),
)


class Sheet:
    """Grows by columns, rows and entries; entries of the same row and column must not repeat."""

    def __init__(self) -> None:
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[Bools] = []
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self.columns = 0
        self.rows = 0
        self.whole_numbers = False

    def add_columns(self, count: int, lower: Number, upper: Number, *, integer: bool = False) -> Ints:
        """Indices of ``count`` new columns."""
        self._lower.append(_spread(lower, count))
        self._upper.append(_spread(upper, count))
        self._integer.append(np.full(count, integer))
        self.whole_numbers = self.whole_numbers or (integer and count > 0)
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def add_rows(self, count: int, lower: Number, upper: Number) -> Ints:
        """Indices of ``count`` new rows."""
        self._row_lower.append(_spread(lower, count))
        self._row_upper.append(_spread(upper, count))
        self.rows += count
        return np.arange(self.rows - count, self.rows)

    def put(self, rows: Ints, columns: Ints, values: Number) -> None:
        """Entries, one for each row and column given; a single row is that of all."""
        count = len(columns)
        self._entries.append((rows if len(rows) == count else rows.repeat(count), columns, _spread(values, count)))

    def model(self) -> highspy.HighsLp:
        """What has been written, as HiGHS reads it (column-wise). Costs are zero."""
        import highspy

        rows, columns, values = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        kept = values != 0.0
        order = np.lexsort((rows[kept], columns[kept]))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.columns, self.rows
        lp.col_cost_ = np.zeros(self.columns)
        lp.col_lower_, lp.col_upper_ = np.concatenate(self._lower), np.concatenate(self._upper)
        lp.row_lower_, lp.row_upper_ = np.concatenate(self._row_lower), np.concatenate(self._row_upper)
        counts = np.bincount(columns[kept], minlength=self.columns)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        lp.a_matrix_.index_ = rows[kept][order].astype(np.int32)
        lp.a_matrix_.value_ = values[kept][order]
        integer = np.concatenate(self._integer)
        if integer.any():
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            lp.integrality_ = [kinds[int(whole)] for whole in integer]
        return lp


def _spread(value: Number, count: int) -> Floats:
    return np.full(count, value) if isinstance(value, float) else value


def solver() -> Engine:
    """HiGHS as every solve here wants it: silent, on one thread, from a fixed seed.

    ``highspy.Highs`` greets on stdout when it is made and starts threads of its own; the class beneath it does not.
    """
    from highspy._core import _Highs

    engine = _Highs()
    for option, setting in _OPTIONS:
        engine.setOptionValue(option, setting)
    return engine
