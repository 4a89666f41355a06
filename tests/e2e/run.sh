#!/bin/sh
# The end-to-end tests. Exit 77 when this machine lacks what they need. Arguments go to pytest.
set -eu
cd "$(dirname "$0")/../.."
python=
for p in /usr/bin/python3 python3; do
	if "$p" -c 'import pytest, psycopg2' 2>/dev/null; then python=$p; break; fi
done
if [ -z "$python" ]; then
	echo "e2e: skipped: no Python with pytest and psycopg2 (./quickstart check installs them)" >&2
	exit 77
fi
case " $* " in *tests/e2e/*) ;; *) set -- tests/e2e "$@" ;; esac
exec "$python" -m pytest -q -p no:cacheprovider "$@"
