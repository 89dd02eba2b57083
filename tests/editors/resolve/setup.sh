#!/usr/bin/env bash
# Install luacheck, for tests/editors/resolve/test_luacheck.py; does nothing where it is there already.
# Exit code 77: it cannot be had here, and the last line says why.
set -euo pipefail
cannot() { echo "luacheck cannot be set up: $*"; exit 77; }
if ! command -v luacheck >/dev/null; then
  [ "$(id -u)" = 0 ] || cannot "it takes root"
  command -v apt-get >/dev/null || cannot "this is no Debian or Ubuntu"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || cannot "no archive is reached"
  apt-get install -qq --yes --no-install-recommends lua-check >/dev/null || cannot "the archive has no lua-check"
fi
luacheck --version | head -n 1
