"""Blender, which `setup.sh` installs."""
