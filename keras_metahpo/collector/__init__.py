"""Trains many configurations of tasks with Keras, fast, and keeps the curves as trial logs."""
