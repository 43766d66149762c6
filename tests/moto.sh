#!/usr/bin/env bash
# Makes an environment with moto, an S3 that others wrote, in the folder that is named, if there is none
# yet; prints its Python.
exec bash "$(dirname "$0")/venv.sh" "$1" moto-5.2.5 "moto[server]==5.2.5"
