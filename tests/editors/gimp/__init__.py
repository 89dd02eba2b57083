"""GIMP 3, which `setup.sh` puts into a folder."""
