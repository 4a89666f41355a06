#!/bin/sh
# Brings the packages a folder's package-lock.json names, unless they are there already. Runs none of their scripts.
set -eu
cd "$1"
command -v npm >/dev/null 2>&1 || { echo "$1 needs node (18 or newer) and npm" >&2; exit 77; }
[ -z "$(find node_modules/.package-lock.json -newer package-lock.json 2>/dev/null)" ] || exit 0
echo "  npm	$1"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
touch node_modules/.package-lock.json
