#!/usr/bin/env bash
# Install Blender, for the tests beside this script; does nothing where it is there already.
# Exit code 77: it cannot be had here, and the last line says why.
set -euo pipefail
cannot() { echo "Blender cannot be set up: $*"; exit 77; }
if ! command -v blender >/dev/null; then
  [ "$(id -u)" = 0 ] || cannot "it takes root"
  command -v apt-get >/dev/null || cannot "this is no Debian or Ubuntu"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || cannot "no archive is reached"
  apt-get install -qq --yes --no-install-recommends blender >/dev/null || cannot "the archive has no blender"
fi
blender --version | head -n 1
