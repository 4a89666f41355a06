#!/bin/sh
# Each fuzz target for FUZZ_SECONDS (60) with libFuzzer, AddressSanitizer and UBSan, or those named as arguments (fuzz_http ...). A
# finding ends the run and leaves its input here. What the targets need is taken out of an archive of the pure rooms.
set -eu
cd "$(dirname "$0")/../.."
command -v clang >/dev/null 2>&1 || { echo "fuzz: needs clang" >&2; exit 77; }
out=build/fuzz
flags="-std=c11 -D_GNU_SOURCE -Isrc -O1 -g -fno-sanitize-recover=all"
mkdir -p "$out/obj"
rm -f "$out/obj/"*.o "$out/pure.a"
other='_bsd\.c$'
[ "$(uname -s)" = Linux ] || other='_linux\.c$'
find src/base src/net src/model src/providers src/crypt src/http src/link/frames.c src/api/agent_token.c -name '*.c' | grep -v "$other" |
    xargs -P 2 -I @ sh -c 'clang '"$flags"' -fsanitize=fuzzer-no-link,address,undefined -c -o "$1/$(echo "$2" | tr / _).o" "$2"' - "$out/obj" @
ar rcs "$out/pure.a" "$out/obj/"*.o
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c | sed 's|.*/||; s|\.c$||')
for name in "$@"; do
	mkdir -p "$out/$name.corpus"
	# shellcheck disable=SC2086
	clang $flags -fsanitize=fuzzer,address,undefined -o "$out/$name" "tests/fuzz/$name.c" "$out/pure.a" -lssl -lcrypto -lhttp_parser
	echo "fuzz: $name for ${FUZZ_SECONDS:-60} s"
	"$out/$name" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=16384 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix="$out/$name." "$out/$name.corpus" >"$out/$name.log" 2>&1 || { tail -n 40 "$out/$name.log"; exit 1; }
	grep -E 'number_of_executed_units|peak_rss' "$out/$name.log"
done
