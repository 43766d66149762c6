#!/usr/bin/env bash
# Makes an environment with moto, an S3 that others wrote, in the folder that is named, if there is none
# yet; prints its Python.
set -euo pipefail
version=5.2.5
folder="$1/moto-$version"
python="$folder/bin/python"
# Several tests may come at once.
mkdir -p "$1"
exec 9>"$folder.lock"
flock 9
if [ ! -e "$folder/whole" ]; then
  rm -rf "$folder"
  if ! python3 -m venv "$folder" >&2; then
    echo "please install python3-venv (bash tests/all.sh does)" >&2
    exit 1
  fi
  "$python" -m pip install --quiet --disable-pip-version-check "moto[server]==$version" >&2
  touch "$folder/whole"
fi
echo "$python"
