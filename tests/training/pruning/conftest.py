"""A finished run to prune."""

from tests.support.prunings import quick_pruning, whole

__all__ = ["quick_pruning", "whole"]
