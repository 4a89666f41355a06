#!/bin/sh
# Units and end-to-end tests of a copy of the tree built with AddressSanitizer and UBSan. A finding ends the process that made it, so the tests fail.
# Without ASAN_ALL=1 the tests are left out that are about processes, proxies and time rather than about memory, and the search
# of processes' memory for secrets, which is too large here.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d /tmp/ringd-asan.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp -R Makefile src tests sql etc man "$work/"
cd "$work"
find . \( -name '*.o' -o -name '*.test' \) -exec rm -f {} +
make -s -j2 CC="${ASAN_CC:-gcc}" OPTIMIZE="-O1 -g" HARDEN="-fPIE -fno-omit-frame-pointer" HARDEN_LD="-pie" \
    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" all >"$work/log" 2>&1 || { tail -n 30 "$work/log"; exit 1; }
# Children end by _exit or a signal on purpose; leaks are looked for where a process ends its own work.
export ASAN_OPTIONS="abort_on_error=1:detect_leaks=${ASAN_LEAKS:-1}:detect_stack_use_after_return=0" UBSAN_OPTIONS="print_stacktrace=1"
make -s CC="${ASAN_CC:-gcc}" OPTIMIZE="-O1 -g" HARDEN="-fPIE -fno-omit-frame-pointer" HARDEN_LD="-pie" \
    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all" units
cd "$top"
E2E_FILES=$(ls tests/e2e/test_*.py)
[ -n "${ASAN_ALL:-}" ] || E2E_FILES=$(echo "$E2E_FILES" | grep -vE 'test_(canaries|database|dialpad_hooks|desync|load|process|proxies|proxy_protocol|reload|renewal|tls_files|upgrade)[.]py')
export E2E_FILES
RINGD_BIN_DIR="$work" tests/e2e/run.sh "$@"
