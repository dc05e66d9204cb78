"""Names of collecting processes, by which others know whether they are still there."""

import os
import socket
import uuid


def new_owner() -> str:
    """A name for this process that no other has, and that it has not had before."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"


def is_gone(owner: str) -> bool:
    """Whether a process of this machine has ended; `False` for those of other machines."""
    host, _, rest = owner.partition("/")
    pid = rest.partition("/")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # It is there, and another user's.
    return False
