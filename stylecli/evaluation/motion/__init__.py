"""Steadiness of stylized videos."""
