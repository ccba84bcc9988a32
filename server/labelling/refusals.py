"""Why somebody is not handed an item, or what they said is not kept."""

from __future__ import annotations

from server.labelling.queues import QueueError
from store.queues import Queue


class QueueClosedError(QueueError):
    """A queue that is closed, or was taken away meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Queue {name!r} is closed, so nothing is saved. Ask whoever set it to open it.")


class NotALabellerError(QueueError):
    """A person whom the queue does not name."""

    def __init__(self, name: str, labeller: str) -> None:
        super().__init__(f"{labeller!r} is not among the labellers of queue {name!r}. Ask whoever set it to add them.")


class UnknownItemError(QueueError):
    """An item that the queue never had."""

    def __init__(self, name: str, told: object) -> None:
        super().__init__(f"Queue {name!r} has no item {told}.")


class RemovedError(QueueError):
    """An item that was taken out of the queue."""

    def __init__(self, number: int) -> None:
        super().__init__(f"Item {number} was removed from the queue. Go on with the next one.")


class PlaceTakenError(QueueError):
    """An item that others have or have labelled, as often as it needs: the lease was over, or fewer are needed now."""

    def __init__(self, number: int, needed: int) -> None:
        others = "somebody else has it" if needed == 1 else f"all its {needed} places are taken by others"
        super().__init__(
            f"Item {number} has no place for you any more: {others}. What you filled in is kept as a draft. "
            "Go on with the next one."
        )


class FieldsChangedError(QueueError):
    """A form that is another one now."""

    def __init__(self, name: str, version: int, told: int) -> None:
        super().__init__(
            f"The form of queue {name!r} was changed: it is version {version}, and this was filled in by "
            f"version {told}. Load the item again; what you filled in is kept as a draft."
        )


class LabelledError(QueueError):
    """An item that the person has labelled and would now skip."""

    def __init__(self, number: int) -> None:
        super().__init__(f"You have labelled item {number}. Undo that, and then skip it.")


class LabelIdError(QueueError):
    """An id that another label has."""

    def __init__(self, label_id: object) -> None:
        super().__init__(f"Label {label_id} is another one, of another item or person. Choose a new id.")


def fit(queue: Queue | None, name: str) -> Queue:
    """The queue, if it takes labels.

    Raises:
        QueueClosedError: it is closed, or there is none.
    """
    if queue is None or not queue.open:
        raise QueueClosedError(name)
    return queue


def check_labeller(queue: Queue, labellers: tuple[str, ...], labeller: str) -> None:
    """Raises NotALabellerError when the queue names its labellers and this is none of them."""
    if labellers and labeller not in labellers:
        raise NotALabellerError(queue.name, labeller)
