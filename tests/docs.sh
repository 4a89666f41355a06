#!/bin/sh
# The manual pages are clean and name what the source has (manual_docs.sh), the tour names what is there, and sample and manual name
# exactly the keys the program knows (conf_docs.sh). Needs ringd built.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
if command -v mandoc >/dev/null 2>&1; then
	for page in man/*.[1-8]; do
		# Pages of ringd refer to each other, and to pages this machine may not have installed.
		found=$(mandoc -Tlint -Wwarning "$page" 2>&1 | grep -v 'referenced manual not found') || true
		[ -z "$found" ] || { echo "$found"; bad=1; }
	done
else
	echo "docs: mandoc is not here; pages not checked"
fi
tests/conf_docs.sh ./ringd --keys || bad=1
# The page has exactly the metrics of the table, with their types and labels.
work=$(mktemp -d)
./ringd --metrics | awk -F '\t' '{ gsub(/,/, ", ", $3)
    printf "%s %s%s%s.\n", $1, toupper(substr($2, 1, 1)) substr($2, 2), $3 == "-" ? "" : "; labels ", $3 == "-" ? "" : $3 }' |
    sort > "$work/table"
awk 'name != "" { print name " " $0; name = "" } /^\.It Ic ringd_/ { name = $3 }' man/ringd.8 | sort > "$work/page"
[ -s "$work/table" ] || { echo "docs: ringd --metrics names no metrics"; bad=1; }
diff "$work/table" "$work/page" | sed -n -e 's/^< /docs: man\/ringd.8 lacks: /p' -e 's/^> /docs: man\/ringd.8 has: /p'
cmp -s "$work/table" "$work/page" || bad=1
rm -rf "$work"
# Every page names what the program names.
for word in TERM INT QUIT HUP USR1 USR2; do grep -q "$word" man/ringd.8 || { echo "docs: ringd.8 says nothing of SIG$word"; bad=1; }; done
nouns=$(./ringctl --complete "")
[ -n "$nouns" ] || { echo "docs: ringctl names no nouns"; bad=1; }
for noun in $nouns; do
	for word in $noun $(./ringctl --complete "$noun" ""); do
		case $word in -*) continue ;; esac
		grep -qw -e "$word" man/ringctl.8 || { echo "docs: ringctl.8 says nothing of $noun $word"; bad=1; }
	done
done
tests/manual_docs.sh || bad=1
# What can be named as a module of the log is what the daemon is made of.
folders=$( (cd src && ls -d */ | tr -d / | grep -vx -e ctl -e ribbon; echo main) | sort | tr '\n' ' ')
modules=$(./ringctl --complete log set --module "" | sort | tr '\n' ' ')
[ "$folders" = "$modules" ] || { echo "docs: modules of 'ringctl log' are $modules, folders of src/ $folders"; bad=1; }
for module in $modules; do grep -qw -e "$module" man/ringctl.8 || { echo "docs: ringctl.8 says nothing of module $module"; bad=1; }; done
# The tour is true: every function and file it names is there.
for name in $(grep -o '`[a-z_0-9]*()`' src/TOUR.md | tr -d '`()' | sort -u); do
	grep -qE "^$name\(" -r src --include='*.c' || grep -q "FUNCTION $name(" sql/0001_init.sql ||
	    { echo "docs: src/TOUR.md names $name(), which is not there"; bad=1; }
done
for file in $(grep -oE '[a-z]+/[a-z_0-9]+\.[ch]' src/TOUR.md | sort -u); do
	[ -e "src/$file" ] || { echo "docs: src/TOUR.md names $file, which is not there"; bad=1; }
done
[ "$bad" -eq 0 ] && echo "docs: ok"
exit "$bad"
