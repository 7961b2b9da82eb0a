"""A call that hands out values on its way, turned into an iterator that holds one value at a time.

A forward pass shows its attention in hooks, layer by layer, and does not wait. Here it runs in a thread of
its own that stands still inside the hook until the reader asks for the next value, so that no more than one
layer's maps are alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from queue import Queue
from typing import Any

__all__ = ["one_at_a_time"]


class _Closed(BaseException):
    """Raised inside the call when nobody reads any more."""


def one_at_a_time(call: Callable[[Callable[[Any], None]], None]) -> Generator[Any, None, None]:
    """Iterate over what a call sends.

    Parameters
    ----------
    call : callable
        Is given a function `send`; ``send(value)`` returns once the value has been read and the next is asked for.

    Yields
    ------
    object
        Each value sent, in order. An error of the call is raised here; closing the iterator ends the call.

    Examples
    --------
    >>> list(one_at_a_time(lambda send: [send(number) for number in (1, 2)]))
    [1, 2]
    """
    ready: Queue[tuple[str, Any]] = Queue(1)
    asked = threading.Semaphore(0)
    closed = threading.Event()

    def send(value: Any) -> None:
        ready.put(("value", value))
        del value
        asked.acquire()
        if closed.is_set():
            raise _Closed

    def run() -> None:
        try:
            call(send)
            ready.put(("end", None))
        except _Closed:
            pass
        except BaseException as error:
            ready.put(("error", error))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
            del value
            asked.release()
    finally:
        closed.set()
        asked.release()
        worker.join()
