"""What a training minimises, and the fixed networks that measure it."""
