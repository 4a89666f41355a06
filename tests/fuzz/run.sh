#!/bin/sh
# Each fuzz target for FUZZ_SECONDS (60) with libFuzzer, AddressSanitizer and UBSan. A finding ends the run and leaves its input here.
set -eu
cd "$(dirname "$0")/../.."
command -v clang >/dev/null 2>&1 || { echo "fuzz: needs clang" >&2; exit 77; }
out=build/fuzz
mkdir -p "$out"
sources=$(find src/base src/net src/model src/providers src/crypt -name '*.c' | grep -v '_bsd\.c$' | sort)
sources="$sources $(find src/http -name '*.c' | grep -vE '/(conn|server|answer|access|crowding|forwarded|opening|redirect)\.c$' | sort)"
sources="$sources src/link/frames.c"
build="clang -std=c11 -D_GNU_SOURCE -Isrc -O1 -g -fno-sanitize-recover=all"
rm -f "$out/sources.a"
for source in $sources; do
	object=$out/$(echo "$source" | tr / _).o
	$build -fsanitize=fuzzer-no-link,address,undefined -c -o "$object" "$source"
	ar q "$out/sources.a" "$object" 2>/dev/null
done
for target in tests/fuzz/fuzz_*.c; do
	name=$(basename "$target" .c)
	mkdir -p "$out/$name.corpus"
	$build -fsanitize=fuzzer,address,undefined -o "$out/$name" "$target" "$out/sources.a" -lssl -lcrypto -lhttp_parser
	echo "fuzz: $name for ${FUZZ_SECONDS:-60} s"
	"$out/$name" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=16384 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix="$out/$name." "$out/$name.corpus" >"$out/$name.log" 2>&1 || { tail -n 40 "$out/$name.log"; exit 1; }
	grep -E 'number_of_executed_units|peak_rss' "$out/$name.log"
done
