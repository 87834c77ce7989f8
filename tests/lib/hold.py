# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a thread of a program hang, by ptrace: it is held where it is, or spins there for ever.

hold() runs this file as a process of its own, since the one that holds a thread must also take its end, or the program
would stay a zombie.
"""
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

PTRACE_CONT, PTRACE_GETREGS, PTRACE_DETACH, PTRACE_POKETEXT, PTRACE_PEEKTEXT = 7, 12, 17, 4, 1
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000
RIP = 16  # in struct user_regs_struct
JUMP_TO_ITSELF = 0xfeeb
TRIES = 20000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, tid, address=0, data=0):
    ctypes.set_errno(0)
    result = _libc.ptrace(request, tid, address, data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
    return result


def thread_id(pid, name):
    """Of the thread of that name."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise AssertionError(f"process {pid} has no thread {name}")


def functions(pid, names):
    """Where the program's functions of these names lie: ranges of addresses."""
    program = os.readlink(f"/proc/{pid}/exe")
    base = next(int(line.split("-")[0], 16) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
                if line.endswith(program))
    text = subprocess.run(["nm", "-S", program], check=True, capture_output=True, text=True).stdout
    rows = [row.split() for row in text.splitlines()]
    return [range(base + int(row[0], 16), base + int(row[0], 16) + int(row[1], 16))
            for row in rows if len(row) == 4 and row[3].split(".")[0] in names]


def interrupt(tid):
    """Stops the thread; returns where it is."""
    ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    registers = (ctypes.c_ulong * 27)()
    ptrace(PTRACE_GETREGS, tid, 0, ctypes.addressof(registers))
    return registers[RIP]


def stop_inside(tid, places):
    """Stops the thread in one of the places, or anywhere when there are none."""
    for _ in range(TRIES):
        at = interrupt(tid)
        if not places or any(at in place for place in places):
            return at
        ptrace(PTRACE_CONT, tid)
        time.sleep(0.0003)
    raise AssertionError("it was never there")


def main(pid, name, spin, *names):
    tid = thread_id(int(pid), name)
    places = functions(int(pid), names)
    if names and not places:
        raise AssertionError(f"no function of {names}")
    ptrace(PTRACE_SEIZE, tid)
    at = stop_inside(tid, places)
    if spin == "spin":
        word = ptrace(PTRACE_PEEKTEXT, tid, at)
        ptrace(PTRACE_POKETEXT, tid, at, word & ~0xffff | JUMP_TO_ITSELF)
        ptrace(PTRACE_DETACH, tid)
    print("held", flush=True)
    if spin != "spin":
        os.waitpid(tid, WALL)  # its end


def hold(pid, name, *names, spin=False):
    """Makes the thread `name` of the process hang, inside one of the functions `names`, if there are any. Returns the
    process that holds it and ends with it, and when that began."""
    holder = subprocess.Popen([sys.executable, __file__, str(pid), name, "spin" if spin else "hold", *names],
                              stdout=subprocess.PIPE, text=True)
    line = holder.stdout.readline()
    assert line == "held\n", f"thread {name} could not be held: {holder.wait()}"
    return holder, time.monotonic()


if __name__ == "__main__":
    main(*sys.argv[1:])
