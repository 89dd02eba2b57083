"""Measurements: quality of styles, speed of networks. What needs the loss network needs the extra `train`."""
