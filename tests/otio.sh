#!/usr/bin/env bash
# Makes an environment with OpenTimelineIO and its reader of EDLs in the folder that is named, if there
# is none yet; prints its Python.
exec bash "$(dirname "$0")/venv.sh" "$1" otio-0.18.1 opentimelineio==0.18.1 otio-cmx3600-adapter==1.0.0
