#!/bin/sh
# Builds a copy of the tree with each compiler and make that is there: clean under gcc and clang, GNU make and bmake. Sources are not touched.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one() {
	name=$1 maker=$2 compiler=$3 flags=$4
	command -v "$maker" >/dev/null 2>&1 && command -v "$compiler" >/dev/null 2>&1 || { echo "builds: $name: not here, skipped"; return 0; }
	mkdir "$work/$name"
	cp -R Makefile src "$work/$name/"
	mkdir -p "$work/$name/tests/unit"
	# shellcheck disable=SC2086
	(cd "$work/$name" && find . -name '*.o' -exec rm -f {} + && "$maker" -s -j2 CC="$compiler" $flags all) >"$work/log" 2>&1 || {
		echo "builds: $name failed"; grep -v '^  cc' "$work/log" | tail -n 30; exit 1; }
	"$work/$name/ringd" --version >/dev/null
	echo "builds: $name ok"
	rm -rf "${work:?}/$name"
}
one bmake-gcc bmake gcc "OPTIMIZE=-O0"
one gmake-clang make clang "OPTIMIZE=-O1"
