#!/usr/bin/env bash
# Makes a Python environment of this name in this folder with these packages, if there is none yet;
# prints its Python. Usage: venv.sh FOLDER NAME PACKAGE…
set -euo pipefail
folder="$1/$2"
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
  if ! "$python" -m pip install --quiet --disable-pip-version-check "${@:3}" >&2; then
    echo "this test needs ${*:3} from PyPI, once: connect this machine, or let pip find them" >&2
    exit 1
  fi
  touch "$folder/whole"
fi
echo "$python"
