"""A system call filter for reading children: no network, no new programs, no writing, no hand on other processes.

Written as classic BPF for the two processors that the wheels of our libraries exist for, since libseccomp (which
`pyseccomp` wraps) is a system library that may be missing. It is a list of what is refused: what onnxruntime,
pdfium and the C library call changes with their versions, what a reader never has a reason to call does not.
See ``Documentation/userspace-api/seccomp_filter.rst`` of the Linux kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass

from extractors.confined.syscalls import prctl, syscall

_X86_64, _AARCH64 = "x86_64", "aarch64"
_AUDIT_ARCH = {_X86_64: 0xC000003E, _AARCH64: 0xC00000B7}
_SECCOMP = {_X86_64: 317, _AARCH64: 277}
_X32_CALLS = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF: ``LD|W|ABS``, ``JMP|JEQ|K``, ``JMP|JGE|K``, ``JMP|JSET|K``, ``RET|K``."""
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_AT_CALL, _AT_ARCH, _AT_ARGUMENTS = 0, 4, 16
"""Offsets in ``struct seccomp_data``."""
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

_CLONE_THREAD = 0x00010000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_TERMINAL_INPUT = (0x5412, 0x541C)
"""``TIOCSTI`` and ``TIOCLINUX``: typing into somebody else's terminal."""

# Numbers by name: x86-64, then the generic table that aarch64 uses; None: the processor does not have it.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # network, and sockets between processes
    "socket": (41, 198),
    "socketpair": (53, 199),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "connect": (42, 203),
    # new processes and programs; threads are allowed below
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # other processes
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    # files: making, changing, removing (opening them is looked at below)
    "creat": (85, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # the machine
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "personality": (135, 92),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "ioperm": (173, None),
    "iopl": (172, None),
    "syslog": (103, 116),
}
_ABSENT: dict[str, tuple[int, int]] = {
    # Said not to exist, so that the C library falls back to calls whose arguments a filter can see.
    "clone3": (435, 435),
    "openat2": (437, 437),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
_OPEN = {_X86_64: ((2, 1), (257, 2)), _AARCH64: ((56, 2),)}
"""Calls that open files, with the argument that holds the flags."""
_WRITER_CALLS = ("creat", "unlink", "unlinkat")
_CLONE = {_X86_64: 56, _AARCH64: 220}
_OWN_PID_ONLY = {_X86_64: (62, 234), _AARCH64: (129, 131)}
"""``kill`` and ``tgkill``: a process that gives up signals itself."""
_PRLIMIT = {_X86_64: 302, _AARCH64: 261}
_IOCTL = {_X86_64: 16, _AARCH64: 29}


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("operand", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.POINTER(_Instruction))]


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the filter. ``if_true`` and ``if_false`` say how many instructions are passed over."""

    code: int
    operand: int
    if_true: int = 0
    if_false: int = 0


def install(*, writes: bool = False) -> bool:
    """Puts the filter on this process, for good; ``False`` where the kernel or the processor does not take it.

    ``PR_SET_NO_NEW_PRIVS`` must have been set. With ``writes``, files may be made, changed and removed; where, is for
    Landlock to say.
    """
    machine = platform.machine()
    if machine not in _AUDIT_ARCH:
        return False
    steps = program(machine, os.getpid(), writes=writes)
    code = (_Instruction * len(steps))(
        *(_Instruction(s.code, s.if_true, s.if_false, s.operand) for s in steps)
    )
    filled = _Program(len(steps), code)
    if syscall(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(filled)) == 0:
        return True
    return prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filled))


def program(machine: str, pid: int, *, writes: bool = False) -> list[Step]:
    """The filter for a processor, and for the process ``pid``, which may signal itself; ``writes`` as in `install`."""
    column = (_X86_64, _AARCH64).index(machine)
    steps = [
        Step(_LOAD, _AT_ARCH),
        Step(_EQUAL, _AUDIT_ARCH[machine], if_true=1),
        Step(_RETURN, _KILL),
        Step(_LOAD, _AT_CALL),
    ]
    if machine == _X86_64:
        steps += [Step(_AT_LEAST, _X32_CALLS, if_false=1), _refuse(errno.ENOSYS)]
    for name, numbers in _REFUSED.items():
        if writes and name in _WRITER_CALLS:
            continue
        if (number := numbers[column]) is not None:
            steps += [Step(_EQUAL, number, if_false=1), _refuse(errno.EPERM)]
    for number in (numbers[column] for numbers in _ABSENT.values()):
        steps += [Step(_EQUAL, number, if_false=1), _refuse(errno.ENOSYS)]
    for number, argument in () if writes else _OPEN[machine]:
        steps += _when(number, argument, [Step(_ANY_BIT, _WRITING, if_false=1), _refuse(errno.EACCES)])
    steps += _when(_CLONE[machine], 0, [Step(_ANY_BIT, _CLONE_THREAD, if_true=1), _refuse(errno.EPERM)])
    for number in _OWN_PID_ONLY[machine]:
        steps += _when(number, 0, _unless((pid,)))
    steps += _when(_PRLIMIT[machine], 0, _unless((0, pid)))
    terminal = [Step(_EQUAL, request, if_true=0, if_false=1) for request in _TERMINAL_INPUT]
    for check in terminal:
        steps += _when(_IOCTL[machine], 1, [check, _refuse(errno.EPERM)])
    return [*steps, Step(_RETURN, _ALLOW)]


def _refuse(number: int) -> Step:
    return Step(_RETURN, _REFUSE | number)


def _when(call: int, argument: int, check: list[Step]) -> list[Step]:
    """``check`` on an argument (its lower half) of a call; what it does not refuse is allowed or looked at on."""
    body = [Step(_LOAD, _AT_ARGUMENTS + 8 * argument), *check, Step(_LOAD, _AT_CALL)]
    return [Step(_EQUAL, call, if_false=len(body)), *body]


def _unless(values: Iterable[int]) -> list[Step]:
    """Refuses an argument that is none of the values."""
    allowed = list(values)
    checks = [Step(_EQUAL, value, if_true=len(allowed) - index) for index, value in enumerate(allowed)]
    return [*checks, _refuse(errno.EPERM)]
