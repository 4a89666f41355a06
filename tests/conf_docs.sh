#!/bin/sh
# Do the sample and the manual name exactly the keys of the table, with the same types, defaults and bounds?
#
#     conf_docs.sh PROGRAM [ARGUMENT ...]	the program prints the table (conf_print_keys)
#     conf_docs.sh < LISTING			the table is read from standard input
#
# Prints a line for each difference and exits 1 when there is one, 2 when there is no table. The files are
# etc/ringd.yaml and man/ringd.yaml.5 beside this folder, or those named by RINGD_SAMPLE and RINGD_MANUAL.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
sample=${RINGD_SAMPLE:-$top/etc/ringd.yaml}
manual=${RINGD_MANUAL:-$top/man/ringd.yaml.5}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ $# -gt 0 ]; then
	"$@" > "$work/table"
else
	cat > "$work/table"
fi
if ! grep -q '	reload	' "$work/table"; then
	echo "conf_docs.sh: no table of keys given" >&2
	exit 2
fi

# name, then what is compared, tab-separated and sorted.
awk -F '\t' '{
	printf "%s\tType %s; %s%s; %s.\n", $1, $2, $3 == "-" ? "no default" : "default " $3,
	    $4 == "-" ? "" : "; bounds " $4, $5
}' "$work/table" | sort > "$work/manual.want"
awk -F '\t' '{ print $1 "\t" $3 }' "$work/table" | sort > "$work/sample.want"

# The manual: ".It Ic name" of a key, and the line after it.
awk '
wanted != "" { print wanted "\t" $0; wanted = "" }
/^\.It Ic / && NF == 3 { wanted = $3 }
' "$manual" | sort > "$work/manual.have"

# The sample: "name: value" lines, live or commented out by a "#" without a space after it; nesting by indentation. The
# members of a mapping in a list are "listen[].name"; of one that is commented out they stand below its "#  - ".
awk '
{
	line = $0
	item = line ~ /^ *#  *- / || (item && line ~ /^ *#   *[a-z_]+: /)
	if (line ~ /^ *#[^ #]/ || item)
		sub(/#/, "", line)
	if (line ~ /^ *(#|$)/)
		next
	match(line, /^ */)
	indent = RLENGTH
	line = substr(line, indent + 1)
	if (line ~ /^- /) {
		line = substr(line, 3)
		indent += 2
		if (line !~ /^[a-z_]+: /)
			next
		entry = 1
	} else
		entry = 0
	if (line !~ /^[a-z_]+:( |$)/) {
		print "?" FNR "\t" line
		next
	}
	while (depth > 0 && at[depth] >= indent)
		depth--
	name = line
	sub(/:.*/, "", name)
	value = line
	sub(/^[a-z_]+: */, "", value)
	path = depth > 0 ? full[depth] "." name : name
	if (depth > 0 && (entry || inlist[depth + 1] == indent)) {
		path = full[depth] "[]." name
		inlist[depth + 1] = indent
	}
	depth++
	at[depth] = indent
	full[depth] = path
	inlist[depth + 1] = -1
	print path "\t" value
}
' "$sample" | sort -u > "$work/sample.all"

# Which of those lines are keys and not sections: the ones the table does not have deeper names for.
awk -F '\t' '
FNR == NR {
	known[$1] = 1
	for (name = $1; sub(/\.[^.]*$/, "", name); )
		section[name] = 1
	next
}
($1 in section) && !($1 in known) && $2 == "" { next }
{ print $1 "\t" $2 }
' "$work/table" "$work/sample.all" > "$work/sample.have"

status=0
awk -F '\t' -v what="$manual" '
FNR == NR { want[$1] = $2; next }
!($1 in want) { print what ": " $1 " is not a key"; bad = 1; next }
seen[$1]++ { print what ": " $1 " is described twice"; bad = 1 }
want[$1] != $2 { print what ": " $1 ": \"" $2 "\" should be \"" want[$1] "\""; bad = 1 }
END {
	for (k in want)
		if (!(k in seen)) {
			print what ": " k " is missing"
			bad = 1
		}
	exit bad
}' "$work/manual.want" "$work/manual.have" || status=1
awk -F '\t' -v what="$sample" '
FNR == NR { want[$1] = $2; next }
!($1 in want) { print what ": " $1 " is not a key"; bad = 1; next }
{ seen[$1] = 1 }
want[$1] != "-" && want[$1] != $2 { print what ": " $1 ": \"" $2 "\" should be the default, \"" want[$1] "\""; bad = 1 }
END {
	for (k in want)
		if (!(k in seen)) {
			print what ": " k " is missing"
			bad = 1
		}
	exit bad
}' "$work/sample.want" "$work/sample.have" || status=1
exit $status
