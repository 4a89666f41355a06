#!/bin/sh
# Runs the unit programs one after the other; ends with one line of totals. usage: run-units.sh PROGRAM...
set -u
passed=0 failed=0 broken=
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
for t in "$@"; do
	if timeout 120 "./$t" >"$out" 2>&1; then code=0; else code=$?; fi
	p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$out" | head -n 1)
	f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$out" | head -n 1)
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
	if [ "$code" -ne 0 ] || [ -z "$p" ]; then
		broken="$broken $t"
		[ "${f:-0}" -eq 0 ] && failed=$((failed + 1))
		echo "== $t (exit $code)"
		grep -v '^\[ RUN\|^\[       OK' "$out" | tail -n 40
	fi
done
[ -n "$broken" ] && echo "failing:$broken"
echo "units: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
