#!/usr/bin/env bash
# inside.sh FOLDER COMMAND...: run a command inside the GIMP of setup.sh, with this machine's /proc, /dev and /tmp.
# What is mounted for it goes with it: the mounts are its own.
set -euo pipefail
export INSIDE=$1
shift
exec unshare --mount bash -euc '
  for folder in /proc /dev /dev/shm /tmp; do
    mkdir -p "$INSIDE$folder"
    mount --bind "$folder" "$INSIDE$folder"
  done
  exec chroot "$INSIDE" /usr/bin/env PATH=/usr/bin:/bin "$@"' inside "$@"
