#!/bin/sh
# See bench.py. Needs wrk and what the end-to-end tests need. BENCH_SECONDS (8) per read, BENCH_EVENTS (60000) per webhook run.
set -eu
cd "$(dirname "$0")/../.."
command -v wrk >/dev/null 2>&1 || { echo "bench: needs wrk" >&2; exit 77; }
for p in /usr/bin/python3 python3; do
	"$p" -c 'import psycopg2' 2>/dev/null && exec "$p" tests/bench/bench.py "$@"
done
echo "bench: needs Python with psycopg2" >&2
exit 77
