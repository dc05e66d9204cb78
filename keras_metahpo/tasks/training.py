"""A Keras callback that keeps every epoch's metrics and the time since training began."""

import time

import keras


class EpochClock(keras.callbacks.Callback):
    """Collects `measurements`: a dictionary of metrics and `elapsed_s` an epoch."""

    def __init__(self):
        super().__init__()
        self.measurements: list[dict[str, float]] = []
        self._started = 0.0

    def on_train_begin(self, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.measurements.append(metrics | {"elapsed_s": time.perf_counter() - self._started})
