#!/bin/sh
# The end-to-end tests. Exit 77 when this machine lacks what they need. Arguments go to pytest. Without any, E2E_JOBS processes (4) take
# the files one by one, the largest first: most of a test's time is waiting. What failed is run once more, alone: a machine that was too
# busy is told from a fault by that, and said. The slowest are shown.
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
if [ $# -gt 0 ]; then
	case " $* " in *tests/e2e/*) ;; *) set -- tests/e2e "$@" ;; esac
	exec "$python" -m pytest -q -p no:cacheprovider "$@"
fi

"$python" -c 'import xdist' 2>/dev/null || { echo "e2e: skipped: no pytest-xdist (./quickstart check installs it)" >&2; exit 77; }
work=$(mktemp -d /tmp/ringd-e2e.XXXXXX)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2046
"$python" -m pytest -q -n "${E2E_JOBS:-4}" --dist loadfile -o cache_dir="$work/cache" --tb=short --durations=12 \
    $(ls -S ${E2E_FILES:-tests/e2e/test_*.py}) && exit 0
echo "e2e: once more, alone, what failed above"
"$python" -m pytest -q -o cache_dir="$work/cache" --lf --lfnf=none tests/e2e
