# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for something to become true. The limits are generous: they end a hang, they judge nothing."""
from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")


def wait_for(what: str, check: Callable[[], T], timeout: float = 20, every: float = 0.03) -> T:
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s for {what} in vain (last: {value!r})")
        time.sleep(every)
