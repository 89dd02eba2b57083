#!/usr/bin/env bash
# Install what loads frei0r filters: ffmpeg, MLT's melt, GStreamer; and frei0r.h. Does nothing where they are there already.
# Exit code 77: they cannot be had here, and the last line says why.
set -euo pipefail
cannot() { echo "the hosts of frei0r cannot be set up: $*"; exit 77; }
[ "$(uname -s)" = Linux ] || cannot "this is no Linux"
missing=()
for pair in ffmpeg:ffmpeg melt:melt gstreamer1.0-tools:gst-launch-1.0 gcc:cc; do
  command -v "${pair#*:}" >/dev/null || missing+=("${pair%%:*}")
done
gst-inspect-1.0 frei0r >/dev/null 2>&1 || missing+=(gstreamer1.0-plugins-bad frei0r-plugins)
[ -e /usr/include/frei0r.h ] || missing+=(frei0r-plugins-dev libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || cannot "it takes root"
  command -v apt-get >/dev/null || cannot "this is no Debian or Ubuntu"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || cannot "no archive is reached"
  apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null || cannot "${missing[*]} cannot be installed"
fi
case $(ffmpeg -hide_banner -filters 2>/dev/null) in *" frei0r "*) ;; *) cannot "the ffmpeg of this machine was built without frei0r" ;; esac
ffmpeg -version | sed -n 1p
