#!/usr/bin/env bash
# Put GIMP 3 into a folder, for the tests beside this script; does nothing where it stands already.
#
#   GIMP_SUITE   the Debian suite it is taken from: trixie (GIMP 3.0, the default) or sid (3.2)
#   GIMP_HOME    the folder; default: /var/cache/stylecli/gimp-$GIMP_SUITE
#
# Exit code 77: it cannot be had here, and the last line says why. Only mmdebstrap and the programs that a window needs are
# installed on the machine itself.
set -euo pipefail
SUITE=${GIMP_SUITE:-trixie}
HOME_OF_GIMP=${GIMP_HOME:-/var/cache/stylecli/gimp-$SUITE}
READY=$HOME_OF_GIMP/.ready
cannot() { echo "GIMP cannot be set up: $*"; exit 77; }

[ "$(uname -s)" = Linux ] || cannot "this is no Linux"
[ "$(id -u)" = 0 ] || cannot "it takes root"
command -v apt-get >/dev/null || cannot "this is no Debian or Ubuntu"
unshare --mount true 2>/dev/null || cannot "mount namespaces are not allowed here"
export DEBIAN_FRONTEND=noninteractive

missing=()
for pair in mmdebstrap:mmdebstrap xvfb:Xvfb openbox:openbox xdotool:xdotool scrot:scrot; do
  command -v "${pair#*:}" >/dev/null || missing+=("${pair%%:*}")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq || cannot "no Debian archive is reached"
  apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null || cannot "${missing[*]} cannot be installed"
fi

works() { chroot "$HOME_OF_GIMP" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp gimp-console --version; }
if [ -e "$READY" ] && works; then exit 0; fi

# The archive that this machine's own apt uses; an Ubuntu's has no Debian suites.
. /etc/os-release
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: ${VERSION_CODENAME:-}" | sort -u | head -n 1)
if [ "${ID:-}" != debian ] || [ -z "$archive" ]; then archive=http://deb.debian.org/debian; fi

options=()
for key in Acquire::Check-Valid-Until Acquire::http::Proxy Acquire::https::Proxy; do # what holds for it holds inside too
  value=
  eval "$(apt-config shell value "$key")"
  [ -z "$value" ] || options+=(--aptopt="$key \"$value\"")
done
case $HOME_OF_GIMP in /*/*) ;; *) cannot "$HOME_OF_GIMP is no folder to clear" ;; esac
rm -rf --one-file-system "$HOME_OF_GIMP"
mkdir -p "$(dirname "$HOME_OF_GIMP")"
mmdebstrap --mode=root --quiet --variant=apt --include=gimp \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' "${options[@]}" \
  "$SUITE" "$HOME_OF_GIMP" "$archive" || cannot "the archive gave no $SUITE"
works
touch "$READY"
