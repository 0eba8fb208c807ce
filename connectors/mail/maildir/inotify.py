"""News of directories in the event loop, all through one inotify instance: a user has only 128 of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from weakref import WeakKeyDictionary

from asyncinotify import Inotify, Mask

_ARRIVES = Mask.CREATE | Mask.MOVED_TO | Mask.ONLYDIR
_VANISHES = Mask.DELETE_SELF | Mask.MOVE_SELF

Wake = Callable[[Path | None], None]
"""Called with the entry that appeared or the directory that vanished; with None where events were lost."""


def _opened() -> Inotify:
    return Inotify(cache_size=100)


class DirectoryWatches:
    """The watches of one event loop; the inotify instance lives as long as there are watches."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opened: Callable[[], Inotify] = _opened) -> None:
        """`opened` makes an inotify instance."""
        self._loop = loop
        self._opened = opened
        self._inotify: Inotify | None = None
        self._listeners: defaultdict[int, list[Wake]] = defaultdict(list)

    def subscribe(self, directories: Iterable[Path], wake: Wake) -> Callable[[], None]:
        """Calls `wake` when an entry appears in one of these, until the returned function is called.

        Raises OSError where the user's inotify limits are reached (ENOSPC, EMFILE) or a directory is missing.
        """
        watched: list[int] = []

        def end() -> None:
            while watched:
                self._forget(watched.pop(), wake)

        try:
            for directory in directories:
                watched.append(self._instance().add_watch(directory, _ARRIVES | _VANISHES).wd)
                self._listeners[watched[-1]].append(wake)
        except OSError:
            end()
            self._close_if_unused()
            raise
        return end

    def _instance(self) -> Inotify:
        if self._inotify is None:
            self._inotify = self._opened()
            os.set_blocking(self._inotify.fd, False)  # asyncinotify 4.4 asks for CLOEXEC where it means NONBLOCK
            self._loop.add_reader(self._inotify.fd, self._take)
        return self._inotify

    def _take(self) -> None:
        while (inotify := self._inotify) is not None:
            try:
                event = inotify.sync_get()
            except BlockingIOError:
                break
            if event is None:
                break
            if event.watch is not None:
                for wake in self._listeners.get(event.watch.wd, [])[:]:
                    wake(event.path)
            elif Mask.Q_OVERFLOW in event.mask:
                for wake in {wake for listeners in self._listeners.values() for wake in listeners}:
                    wake(None)

    def _forget(self, wd: int, wake: Wake) -> None:
        listeners = self._listeners.get(wd, [])
        if wake in listeners:
            listeners.remove(wake)
        if not listeners:
            self._listeners.pop(wd, None)
            if self._inotify is not None:
                for watch in self._inotify.watches:
                    if watch.wd == wd:
                        with contextlib.suppress(OSError):  # the directory is gone, and its watch with it
                            self._inotify.rm_watch(watch)
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._inotify is not None and not self._listeners:
            self._loop.remove_reader(self._inotify.fd)
            self._inotify.close()
            self._inotify = None


_news: WeakKeyDictionary[asyncio.AbstractEventLoop, DirectoryWatches] = WeakKeyDictionary()


def directory_watches() -> DirectoryWatches:
    """The watches of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _news:
        _news[loop] = DirectoryWatches(loop)
    return _news[loop]
