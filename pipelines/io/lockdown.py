"""Takes from a process what decoding does not need, for good: files, network, other processes.

Limits of POSIX hold on every system: no new file or socket, no byte written to a file, no process
and no thread, a cap on memory. On Linux a filter of system calls comes on top, which holds for root
too: besides memory, time and the sockets that are open already, every call fails.
"""

import ctypes
import os
import platform
import resource
import struct
import sys

# Source: linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9
# Source: linux/seccomp.h, linux/bpf_common.h, linux/audit.h; EPERM of asm-generic/errno-base.h
_RET_ALLOW, _RET_EPERM, _RET_KILL = 0x7FFF0000, 0x00050001, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_OFFSET_OF_CALL, _OFFSET_OF_MACHINE, _OFFSET_OF_FIRST_ARGUMENT = 0, 4, 16
# The calls that are left. Source: asm/unistd_64.h (x86-64) and asm-generic/unistd.h (AArch64).
_CALLS = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "exit": (60, 93),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
_TGKILL = (234, 131)  # a signal, which a process may send to itself: so a C library aborts
# Audit's name of the machine, and its column above.
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def lock_down(memory_bytes: int) -> None:
    """Lock this process down; what the system does not know is left out.

    Everything that it will ever import or open must be there already.

    Args:
        memory_bytes: of address space that it may use besides what it has.
    """
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_NPROC", 0)
    if sys.platform == "linux":
        _limit("RLIMIT_AS", _address_space() + memory_bytes)
    _limit("RLIMIT_NOFILE", 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _filter_calls(libc)


def end_with_parent() -> None:
    """Let this process be killed when its parent ends, where the system can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def _limit(name: str, value: int) -> None:
    kind = getattr(resource, name, None)
    if kind is None:
        return
    try:
        resource.setrlimit(kind, (value, value))
    except (ValueError, OSError):
        return  # already lower, or not to be had on this system


def _address_space() -> int:
    """Bytes of address space in use. Source: proc(5), /proc/pid/statm, in pages."""
    with open("/proc/self/statm") as pages:  # noqa: PTH123 - a descriptor of the kernel, no file
        return int(pages.read().split()[0]) * resource.getpagesize()


def _filter_calls(libc: ctypes.CDLL) -> None:
    """Let every system call but a few fail; nothing happens where the kernel takes no filter."""
    if platform.machine() not in _MACHINES or sys.maxsize < 2**32:
        return
    machine, column = _MACHINES[platform.machine()]
    allowed = [numbers[column] for numbers in _CALLS.values()]
    program = _program(machine, allowed, _TGKILL[column], os.getpid())
    held = ctypes.create_string_buffer(program)
    filtering = struct.pack("HP", len(program) // 8, ctypes.addressof(held))  # struct sock_fprog
    libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(filtering), 0, 0)


def _program(machine: int, allowed: list[int], tgkill: int, own: int) -> bytes:
    """A filter in the kernel's language: kill on another machine, allow a call of the list."""
    to_itself = [(_JUMP_IF_EQUAL, 0, 4, tgkill), (_LOAD, 0, 0, _OFFSET_OF_FIRST_ARGUMENT)]
    to_itself += [(_JUMP_IF_EQUAL, 0, 1, own), (_RETURN, 0, 0, _RET_ALLOW)]
    to_itself += [(_RETURN, 0, 0, _RET_EPERM)]
    steps = [(_LOAD, 0, 0, _OFFSET_OF_MACHINE), (_JUMP_IF_EQUAL, 1, 0, machine)]
    steps += [(_RETURN, 0, 0, _RET_KILL), (_LOAD, 0, 0, _OFFSET_OF_CALL)]
    steps += to_itself
    steps += [(_JUMP_IF_EQUAL, len(allowed) - n, 0, call) for n, call in enumerate(allowed)]
    steps += [(_RETURN, 0, 0, _RET_EPERM), (_RETURN, 0, 0, _RET_ALLOW)]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
