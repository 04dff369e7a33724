#!/usr/bin/env bash
# deb.sh ARCHIVE FOLDER: Debian's source and binary packages, in FOLDER, of what `make dist` has made. The changelog is written here, of the version in the archive's name.
set -euo pipefail
archive=$(realpath "$1")
folder=$2
name=$(basename "$archive" .tar.xz) # gnnspai-VERSION
version=${name#gnnspai-}

rm -rf "$folder" && mkdir -p "$folder"
cp "$archive" "$folder/gnnspai_$version.orig.tar.xz"
cd "$folder" && tar xf "$archive" && cd "$name"
cp -r packaging/debian debian
cat > debian/changelog << EOF
gnnspai ($version-1) unstable; urgency=medium

  * Release $version.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(date -R -r pcgnnspai.h)
EOF
{ cat debian/copyright && sed -n '/^Redistribution/,$ {s/^$/./; s/^/ /; p}' LICENSE; } > debian/copyright.new && mv debian/copyright.new debian/copyright
dpkg-buildpackage -us -uc
