#!/bin/sh
# The end-to-end tests. Exit 77 when this machine lacks what they need. Arguments go to pytest. Without any, the files are shared out
# among E2E_JOBS runs side by side (4): most of a test's time is waiting. What failed is run once more, alone: a machine that was too
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

jobs=${E2E_JOBS:-4}
work=$(mktemp -d /tmp/ringd-e2e.XXXXXX)
trap 'rm -rf "$work"' EXIT
ls -S ${E2E_FILES:-tests/e2e/test_*.py} >"$work/files"
[ "$jobs" -le "$(wc -l <"$work/files")" ] || jobs=$(wc -l <"$work/files")
pids= k=0
while [ "$k" -lt "$jobs" ]; do
	# shellcheck disable=SC2046
	"$python" -m pytest -q -o cache_dir="$work/cache$k" --tb=short --durations=5 \
	    $(awk -v n="$jobs" -v k="$k" 'NR % n == k' "$work/files") >"$work/log$k" 2>&1 &
	pids="$pids $!"
	k=$((k + 1))
done
bad=0 k=0
for pid in $pids; do
	wait "$pid" || eval "failed$k=1"
	cat "$work/log$k"
	k=$((k + 1))
done
k=0
while [ "$k" -lt "$jobs" ]; do
	if eval "[ -n \"\${failed$k:-}\" ]"; then
		echo "e2e: once more, alone, what failed above"
		"$python" -m pytest -q -o cache_dir="$work/cache$k" --lf --lfnf=none tests/e2e || bad=1
	fi
	k=$((k + 1))
done
exit "$bad"
