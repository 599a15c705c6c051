"""Whose fault is an error: the target's, or this prober's own?

What the prober cannot do says nothing about the target (R1): out of descriptors, ports or memory, refused by local
policy, no route from here, a resolver that does not answer. Such looks are ``unknown``, never ``failed``.
"""

import errno
import os
import socket

from controlplane.model.evidence import Observation, Reading

OWN_ERRNOS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EADDRNOTAVAIL,
        errno.EADDRINUSE,
        errno.EACCES,
        errno.EPERM,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EAFNOSUPPORT,
        errno.EPROTONOSUPPORT,
    }
)
"""Said by this machine about itself. EHOSTUNREACH is not among them: it is what a dead neighbour looks like, and what
a dead gateway looks like; the isolation watch tells the two apart."""

TIMED_OUT = "timed out"
_SILENCE = (TIMED_OUT, *(os.strerror(number) for number in (errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN)))

Finding = tuple[Reading, str]
"""What a look at one target came to: the reading and a few words about it."""


def blame(number: int) -> Finding:
    """Read an errno of connecting, sending or receiving."""
    reading = Reading.UNKNOWN if number in OWN_ERRNOS else Reading.FAILED
    return reading, os.strerror(number)


def is_silence(seen: Observation) -> bool:
    """Whether nothing at all came back: neither an answer nor a refusal."""
    return seen.reading is Reading.FAILED and seen.detail.startswith(_SILENCE)


def blame_error(error: OSError) -> Finding:
    """Read an exception of a socket, a resolver or TLS.

    A name that does not exist fails for users as well; a resolver that does not answer has said nothing.
    """
    if isinstance(error, socket.gaierror):
        missing = error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
        return (Reading.FAILED if missing else Reading.UNKNOWN), f"name: {error.strerror or error}"
    if error.errno is None:
        return Reading.FAILED, str(error) or type(error).__name__
    reading, words = blame(error.errno)
    return reading, words or str(error)
