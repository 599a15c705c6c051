"""Fencing: a stale epoch can act on nothing."""

from controlplane.model.errors import LeaseLost


def fences(lease: str) -> bool:
    """Whether the epochs of a lease fence journal and state. A name with a slash (``job/settlement``) is somebody
    else's lease, which says nothing about who leads."""
    return "/" not in lease


def forbid_stale(epoch: int, highest: int) -> None:
    """LeaseLost for an epoch below the highest that the store has seen. 0 speaks for no lease: a person, a follower."""
    if 0 < epoch < highest:
        raise LeaseLost(f"epoch {highest} has been here: epoch {epoch} is stale and can change nothing")


def forbid_unfenced(key: str, epoch: int, written_under: int) -> None:
    """LeaseLost for a save without a lease of a document that a leader keeps.

    So followers can keep documents of their own (what their vantage saw), and nobody but the leader the leader's.
    """
    if epoch == 0 < written_under:
        raise LeaseLost(f"{key} is kept under a lease (epoch {written_under}): it cannot be saved without one")
