"""KerasTuner's chief and workers over gRPC, made to end whatever happens to any of them.

KerasTuner's chief waits for ever for a worker that has died, and a worker an hour for its chief.
Here a worker that trains tells its chief so from time to time, by the call that asks for a trial,
which answers with the one it has; the chief gives the trial of a silent worker to another one.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures

from keras_tuner.src.distribute import oracle_client as _oracle_client

logger = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
# A worker that has been silent for so long is dead.
SILENT_S = 60.0
# So long a worker waits for an answer of its chief, which may start later than it.
UNANSWERED_S = 300.0
POLL_S = 0.2


def serve(oracle) -> None:
    """Serves the workers of a search until it is over, or nobody is left to go on with it.

    Args:
        oracle: A `DurableOracle`.
    """
    import grpc
    from keras_tuner.src import protos
    from keras_tuner.src.distribute import oracle_chief

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = oracle_chief.OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    server.add_insecure_port(_address())
    oracle.waits_for_other_workers = True
    server.start()
    try:
        while not (servicer.stop_triggered and oracle_chief.exit_chief(oracle)):
            time.sleep(POLL_S)
            oracle.release_trials_of_silent_workers(SILENT_S)
            if oracle.is_deserted(SILENT_S):
                logger.warning(
                    "All workers of the search are gone. %d trials have ended; run it again to "
                    "go on with the others.",
                    len(oracle.finished_trials()),
                )
                break
    finally:
        server.stop(grace=1.0).wait()


@contextlib.contextmanager
def heartbeat(beat: Callable[[], object]) -> Iterator[None]:
    """Calls `beat` from time to time while the block runs."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(HEARTBEAT_S):
            try:
                beat()
            except Exception as error:  # The main thread will find out for itself.
                logger.warning("The chief did not answer: %r", error)

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def shorten_timeouts() -> None:
    """A worker gives up after `UNANSWERED_S` where KerasTuner would wait an hour."""
    _oracle_client.TIMEOUT = UNANSWERED_S


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Turns gRPC's error about a chief that is gone into one that says so."""
    import grpc

    try:
        yield
    except grpc.RpcError as error:
        raise RuntimeError(
            f"The chief at {_address()} must answer within {UNANSWERED_S:g} s. Received: "
            f"{error.code()}. If it has ended, run chief and workers again: the search goes on."
        ) from error


def _address() -> str:
    """Of the chief."""
    return f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
