import errno
import socket

import pytest

from controlplane.model.evidence import Reading
from controlplane.probes.faults import blame, blame_error
from controlplane.probes.selfwatch import Isolation


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.EPERM, errno.ENETUNREACH])
def test_what_the_prober_cannot_do_says_nothing_about_the_target(number: int) -> None:
    assert blame(number)[0] is Reading.UNKNOWN


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.EPIPE])
def test_what_the_target_does_is_a_failure(number: int) -> None:
    assert blame(number)[0] is Reading.FAILED


def test_a_resolver_that_does_not_answer_is_no_failure_of_the_target() -> None:
    assert blame_error(socket.gaierror(socket.EAI_AGAIN, "later"))[0] is Reading.UNKNOWN
    assert blame_error(socket.gaierror(socket.EAI_FAIL, "broken"))[0] is Reading.UNKNOWN


def test_a_name_that_does_not_exist_fails_for_users_too() -> None:
    assert blame_error(socket.gaierror(socket.EAI_NONAME, "no such name"))[0] is Reading.FAILED


def test_silence_from_every_region_is_the_probers_own_deafness() -> None:
    isolation = Isolation(home="observatory")
    isolation.note("a", "dublin", answered=True)
    isolation.note("b", "london", answered=True)
    assert not isolation.cut_off("dublin")
    isolation.note("a", "dublin", answered=False)
    assert not isolation.cut_off("dublin")
    isolation.note("b", "london", answered=False)
    assert isolation.cut_off("dublin")
    assert isolation.cut_off("london")
    isolation.note("b", "london", answered=True)
    assert not isolation.cut_off("dublin")


def test_the_region_next_door_proves_nothing_about_the_way_to_the_others() -> None:
    isolation = Isolation(home="dublin")
    for key, region, answered in (("a", "dublin", True), ("b", "london", False), ("c", "frankfurt", False)):
        isolation.note(key, region, answered=answered)
    assert isolation.cut_off("london")


def test_a_single_watched_region_can_be_seen_failing() -> None:
    isolation = Isolation(home="observatory")
    isolation.note("a", "dublin", answered=False)
    assert not isolation.cut_off("dublin")


def test_a_watch_that_ended_no_longer_vouches() -> None:
    isolation = Isolation(home="observatory")
    isolation.note("a", "dublin", answered=False)
    isolation.note("b", "london", answered=True)
    isolation.note("c", "paris", answered=False)
    isolation.forget("b")
    assert isolation.cut_off("dublin")
