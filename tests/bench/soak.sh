#!/bin/sh
# See soak.py and soak_client.c. Needs a C compiler and what the end-to-end tests need.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Isrc -o build/soak_client tests/bench/soak_client.c build/libringd.a
for p in /usr/bin/python3 python3; do
	"$p" -c 'import psycopg2' 2>/dev/null && exec "$p" tests/bench/soak.py build/soak_client
done
echo "soak: needs Python with psycopg2" >&2
exit 77
