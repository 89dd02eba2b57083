"""Trainings compared by their logs."""
