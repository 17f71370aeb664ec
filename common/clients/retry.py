"""Bounded back-off: what a service that went away did not do is asked again for a while, then the command ends with 75.

A client says `Away` of a service that can't be reached or did not answer, and gives here only what may be done twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from common.errors import Failure, TryAgain, Unavailable

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds


class Away(Exception):
    """A service can't be reached or did not answer: a sentence that names it and what it was asked, and the place."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)
        self.what, self.where = what, where


class Retry:
    """The patience of one client with its service.

    seconds     how long a call is made again; 0 is once
    has_served  whether the service is known to be there. One that never answered is Unavailable at once: waiting does
                not mend a wrong address. One that answered before and stays away is TryAgain.
    """

    def __init__(self, seconds: int, *, has_served: bool = False) -> None:
        self._seconds, self._has_served = seconds, has_served
        self._was_given_up = False  # the next calls, such as those that clean up, do not wait once more

    def __call__(self, action: Callable[[], T]) -> T:
        """What the action gives; it is repeated while it raises Away."""
        deadline = time.monotonic() + (0 if self._was_given_up else self._seconds)
        pause = _FIRST_PAUSE
        while True:
            try:
                result = action()
            except Away as away:
                if not self._has_served:
                    raise Unavailable(away.what, where=away.where, next="./submit.sh check") from away
                if time.monotonic() + pause > deadline:
                    self._was_given_up = True
                    raise given_up(away) from away
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Failure:
                self._served()  # a refusal is an answer
                raise
            else:
                self._served()
                return result

    def _served(self) -> None:
        self._has_served, self._was_given_up = True, False


def given_up(away: Away) -> TryAgain:
    """The failure of a service that stayed away."""
    return TryAgain(away.what, where=away.where, next="./submit.sh check, then the same command again")


def answer_within(seconds: float, action: Callable[[], T]) -> T:
    """What the action gives, or TimeoutError: for a library that waits for ever for a server that fell silent.

    The action is then left behind on its thread; whatever it still does must harm nobody.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(action())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer.result(seconds)
