# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system that hangs: whoever opens a file waits, until the test lets them go on (fanotify)."""
import ctypes
import os
import select
from contextlib import contextmanager

CLASS_CONTENT, CLOEXEC, NONBLOCK = 0x4, 0x1, 0x2
MARK_ADD, OPEN_PERM = 0x1, 0x10000
AT_FDCWD = -100

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]


def _checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "fanotify")
    return result


@contextmanager
def opens_hang(path):
    """Yields a function that says whether somebody waits for the file. Whoever does goes on at the end."""
    group = _checked(_libc.fanotify_init(CLASS_CONTENT | CLOEXEC | NONBLOCK, os.O_RDONLY))
    try:
        _checked(_libc.fanotify_mark(group, MARK_ADD, OPEN_PERM, AT_FDCWD, os.fsencode(path)))
        yield lambda: bool(select.select([group], [], [], 0)[0])
    finally:
        os.close(group)
