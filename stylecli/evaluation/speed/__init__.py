"""Speed and memory: networks, videos, editors."""
