"""The benchmark suite: many tuners on many tasks, and what their results say."""
