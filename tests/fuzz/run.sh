#!/bin/sh
# Each fuzz target for FUZZ_SECONDS (60) with libFuzzer, AddressSanitizer and UBSan. A finding ends the run and leaves its input here.
set -eu
cd "$(dirname "$0")/../.."
command -v clang >/dev/null 2>&1 || { echo "fuzz: needs clang" >&2; exit 77; }
out=build/fuzz
mkdir -p "$out"
# Compiled once, into an archive, so that a target takes from it what it needs and no library more.
flags="-std=c11 -D_GNU_SOURCE -Isrc -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
rm -rf "$out/objects" "$out/ringd.a"
mkdir -p "$out/objects"
# shellcheck disable=SC2086
find src/base src/net src/model src/providers src/crypt src/http src/link -name '*.c' ! -name '*bsd.c' | sort |
    xargs -P 2 -I{} sh -c 'clang '"$flags"' -c -o "$1/$(echo "$2" | tr / _ | sed "s/c$/o/")" "$2"' sh "$out/objects" {}
ar rcs "$out/ringd.a" "$out"/objects/*.o
for target in tests/fuzz/fuzz_*.c; do
	name=$(basename "$target" .c)
	mkdir -p "$out/$name.corpus"
	# shellcheck disable=SC2086
	clang $flags -fsanitize=fuzzer -o "$out/$name" "$target" "$out/ringd.a" -lcrypto -lssl -lhttp_parser
	echo "fuzz: $name for ${FUZZ_SECONDS:-60} s"
	"$out/$name" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=16384 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix="$out/$name." "$out/$name.corpus" >"$out/$name.log" 2>&1 || { tail -n 40 "$out/$name.log"; exit 1; }
	grep -E 'number_of_executed_units|peak_rss' "$out/$name.log"
done
