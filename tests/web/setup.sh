#!/usr/bin/env bash
# Put Chromium on this machine for the tests beside this script; does nothing where one is found already.
#
# Exit code 77: it cannot be had here, and the last line says why.
set -euo pipefail
cannot() { echo "Chromium cannot be set up: $*"; exit 77; }

for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null && "$name" --version; then exit 0; fi
done
[ "$(uname -s)" = Linux ] || cannot "this is no Linux"
[ "$(id -u)" = 0 ] || cannot "it takes root"
command -v apt-get >/dev/null || cannot "this is no Debian or Ubuntu"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || cannot "no Debian archive is reached"
apt-get install -qq --yes --no-install-recommends chromium >/dev/null || cannot "chromium cannot be installed"
chromium --version
