"""Trainings that differ in weights and numbers only: what they share, and all of them at once."""
