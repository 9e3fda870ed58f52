"""A machine whose clock is far from the database's is told so, whichever way it is off and however slow the question."""

from __future__ import annotations

import pytest

from kernel.clock import MOST_SKEW_S, WrongClock, check_clock

NOW = 1_800_000_000.0


@pytest.mark.parametrize("off", [0.0, MOST_SKEW_S - 0.1, -MOST_SKEW_S + 0.1])
def test_clocks_that_agree(off: float) -> None:
    check_clock(NOW, NOW + off, NOW)


def test_a_slow_question_is_no_wrong_clock() -> None:
    check_clock(NOW, NOW + 1, NOW + 60)
    check_clock(NOW, NOW + 59, NOW + 60)


@pytest.mark.parametrize(("off", "says"), [(-900, "900 s ahead of the database's"), (172_800, "172800 s behind")])
def test_clocks_that_do_not(off: float, says: str) -> None:
    with pytest.raises(WrongClock, match=says):
        check_clock(NOW, NOW + off, NOW + 0.01)
