"""Whether a collecting process is still there."""

import socket
import subprocess
import sys

from keras_metahpo.collector.owners import is_gone, new_owner


def test_a_running_process_is_there_and_names_differ():
    assert not is_gone(new_owner())
    assert new_owner() != new_owner()


def test_a_process_that_ended_is_gone():
    script = "from keras_metahpo.collector.owners import new_owner; print(new_owner())"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert is_gone(ended.stdout.strip())


def test_nothing_is_said_of_other_machines_and_other_names():
    for owner in (f"not-{socket.gethostname()}/1/a", "somebody", "", f"{socket.gethostname()}/x/a"):
        assert not is_gone(owner)
