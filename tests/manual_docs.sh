#!/bin/sh
# Do the manual pages name what the source has, and nothing else? Routes, parameters, members of a call and error codes of ringd-api(7),
# log lines, signals and exit codes of ringd(8), references between pages. What a page promises must occur in a test too.
# Prints a line for each difference and exits 1 when there is one.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
say() { echo "manual: $*"; bad=1; }

# compare WHAT PAGE: each line of $work/source in $work/page, and the reverse.
compare() {
	sort -u "$work/source" >"$work/a"
	sort -u "$work/page" >"$work/b"
	[ -s "$work/a" ] || say "no $1 found in the source: has its form changed?"
	comm -23 "$work/a" "$work/b" | while read -r line; do echo "manual: $2 says nothing of the $1 $line"; done >"$work/found"
	comm -13 "$work/a" "$work/b" | while read -r line; do echo "manual: $2 has a $1 that is not there: $line"; done >>"$work/found"
	[ ! -s "$work/found" ] || { cat "$work/found"; bad=1; }
}

# section PAGE NAME: the lines of a section or subsection.
section() { awk -v want="$2" '/^\.S[hs] / { inside = substr($0, 5) == want } inside' "$1"; }

api=man/ringd-api.7

sed -n 's/^	{ "\(\/[^"]*\)", \(ROUTE_[A-Z_| ]*\),.*/\1 \2/p' src/api/routes.c | while read -r path methods; do
	for method in $(echo "$methods" | tr '|' ' ' | sed 's/ROUTE_OPTIONS//'); do echo "${method#ROUTE_} $path"; done
done >"$work/source"
sed -n 's/^\.It Cm \([A-Z]*\) Pa \(\/.*\)$/\1 \2/p' $api | sed 's/{[a-z]*}/{}/g' >"$work/page"
compare route $api

sed -n 's/.*str_eq(name, STR("\([a-z_]*\)")).*/\1/p' src/api/calls_query.c >"$work/source"
section $api LISTS | sed -n 's/^\.It Ic \([a-z_]*\)$/\1/p' >"$work/page"
compare parameter $api

sed -n -e 's/^	{ "\([a-z_]*\)", C_[A-Z_]*, [A-Z]* },$/\1/p' -e '/^calls_json_detail/,/^}/s/.*json_k[a-z]*(j, "\([a-z_]*\)".*/\1/p' \
    -e '/^calls_json_detail/,/^}/s/.*json_key(j, "\([a-z_]*\)".*/\1/p' src/api/calls_json.c >"$work/source"
echo recordings >>"$work/source"
section $api "Members of a call" | sed -n 's/^\.It Li \([a-z_]*\)$/\1/p' >"$work/page"
compare member $api

# Whatever answers with an error names its code as a bare word.
codes() {
	for file in src/api/*.c src/http/conn.c src/http/answer.c; do
		tr '\n' ' ' <"$file" | grep -oE '(api_problem|ribbon_problem|refuse|fail|ribbon_fault|look_again_or|->error)\([^;]*;' | grep -oE '"[a-z_]+"'
		tr '\n' ' ' <"$file" | grep -oE '(wrong\(&?p, "[a-z_]+"|number_in\([^;]*;)' | grep -oE '"(invalid|unknown|malformed)_[a-z]+"'
		grep -oE 'wrong = "[a-z_]+"' "$file" | grep -oE '"[a-z_]+"'
		grep -oE '= \{ [0-9]{3}, "[a-z_]+"' "$file" | grep -oE '"[a-z_]+"'
	done
	sed -n '/^http_error_code(/,/^}/s/.*return \("[a-z_]*"\);/\1/p' src/http/request.c
	# The proxies of the examples speak to clients too.
	sed -n 's/.*"code[\\]*":[\\]*"\([a-z_]*\).*/"\1"/p' etc/proxy/nginx.conf etc/proxy/haproxy.cfg
}
codes | tr -d '"' >"$work/source"
sed -n 's/^\.It [0-9]* Cm \([a-z_]*\)$/\1/p' $api >"$work/page"
compare "error code" $api
for code in $(cat "$work/b"); do
	grep -rqw -e "$code" tests/e2e --include='*.py' || say "no test in tests/e2e names the error code $code"
done

# Whoever looks at status sees what a dashboard sees.
sed -n 's/.*COUNTER_OF(\(SCORE_[A-Z_]*\)).*/\1/p' src/proc/metrics.c >"$work/source"
sed -n 's/^	{ \(SCORE_[A-Z_]*\), "[a-z_]*" },$/\1/p' src/api/status.c >"$work/page"
compare "metric's counter" src/api/status.c

# Log lines: what stands before the first thing that varies.
section man/ringd.8 DIAGNOSTICS | sed -n 's/^\.It //p' | sed -e 's/:\{0,1\} *Ar .*//' >"$work/lines"
[ -s "$work/lines" ] || say "ringd.8 has no DIAGNOSTICS"
while read -r line; do
	grep -rqF -e "$line" src --include='*.c' || say "ringd.8 tells of a log line that is not there: $line"
	grep -rqF -e "$line" tests/e2e --include='*.py' || say "no test in tests/e2e waits for the log line: $line"
done <"$work/lines"
for signal in $(section man/ringd.8 SIGNALS | grep -oE 'SIG(TERM|INT|QUIT|HUP|USR[12])' | sort -u); do
	grep -q "$signal" -r src/proc src/loop src/worker --include='*.c' || say "ringd.8 tells of $signal, which nobody catches"
	grep -rqE "$signal" tests/e2e --include='*.py' || say "no test in tests/e2e sends $signal"
done
for signal in $(grep -ohE 'SIG(TERM|INT|QUIT|HUP|USR1|USR2)' src/proc/sig.c | sort -u); do
	section man/ringd.8 SIGNALS | grep -q "$signal" || say "ringd.8 says nothing of $signal"
done
for exit in $(section man/ringd.8 "EXIT STATUS" | sed -n 's/^\.It \([0-9]\)$/\1/p'); do
	grep -rqE "(returncode|wait\(10\)|code|stop\(\)) == $exit" tests/e2e --include='*.py' || say "no test in tests/e2e sees ringd exit with $exit"
done

# Each page stands on its own and leads to all others.
for page in man/*.[1-8]; do
	for sh in "SEE ALSO" EXAMPLES; do grep -q "^\.Sh $sh\$" "$page" || say "$page has no section $sh"; done
	for other in man/*.[1-8]; do
		name=$(basename "${other%.*}")
		[ "$page" = "$other" ] || section "$page" "SEE ALSO" | grep -q "^\.Xr $name ${other##*.}" || say "$page does not lead to $name"
	done
	grep -qF "${page#man/}" Makefile || say "make install passes over $page"
done
exit "$bad"
