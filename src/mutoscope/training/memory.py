"""How the C library hands out memory."""

import ctypes
import sys

# of glibc's malloc.h
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP_BELOW = 1 << 30


def keep_freed_memory() -> None:
    """Makes this process keep freed memory below 1 GiB a block for its next tensors, where the C library is glibc.

    By default glibc returns every block above 32 MiB to the system when it is freed, and the system zeroes it again,
    page by page, when the next step asks for it. Batches of clips are made of such blocks.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEEP_BELOW)
        mallopt(M_TRIM_THRESHOLD, KEEP_BELOW)
