#!/bin/sh
# The walls of the house, read from the include lines: which room may look into which, which file may name which library,
# how long a file may be. Prints every offence and fails if there is one.
set -u
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "layers: $*"; bad=1; }

# room: rooms it may include (itself always). Arrows point down only.
allowed() {
	case $1 in
	base) echo "" ;;
	os) echo "base" ;;
	loop) echo "base" ;;
	net) echo "base" ;;
	conf) echo "base net" ;;
	crypt) echo "base" ;;
	link) echo "base os loop" ;;
	http) echo "base net loop" ;;
	db) echo "base net loop" ;;
	model) echo "base" ;;
	providers) echo "base model crypt" ;;
	proc) echo "base os conf net crypt" ;;
	api) echo "base net loop conf proc http db model providers link" ;;
	worker) echo "base net loop conf proc http db model api link" ;;
	reaper) echo "base loop conf proc db model" ;;
	courier) echo "base net loop conf proc db model providers crypt link" ;;
	ctl) echo "base os net conf db model crypt providers" ;;
	main) echo "base os conf proc worker reaper courier version.h" ;;
	*) echo "?" ;;
	esac
}

for f in $(find src -name '*.[ch]' | sort); do
	room=$(echo "$f" | cut -d/ -f2)
	[ "$f" = src/main.c ] && room=main
	[ "$f" = src/version.h ] && continue
	may=$(allowed "$room")
	[ "$may" = "?" ] && { say "$f: no such room in design"; continue; }
	for inc in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f"); do
		to=${inc%%/*}
		[ "$inc" = version.h ] && continue
		[ "$to" = "$room" ] && continue
		case " $may " in *" $to "*) ;; *) say "$f: $room must not look into $to ($inc)" ;; esac
	done
	# Of proc only what a role is given, not how processes are run.
	case $room in api|worker|reaper|courier)
		for inc in $(sed -n 's/^#include "\(proc\/[^"]*\)".*/\1/p' "$f"); do
			case $inc in proc/child.h|proc/scoreboard.h|proc/metrics.h) ;; *) say "$f: $room must not look into $inc" ;; esac
		done ;;
	esac
	lines=$(wc -l < "$f")
	[ "$lines" -le 500 ] || grep -q 'over 500 lines because' "$f" || say "$f: $lines lines; 500 need a reason ('over 500 lines because …')"
done

# library: header pattern, then the files that may name it
only() {
	name=$1 pattern=$2 where=$3
	for f in $(grep -lE "^#[ 	]*include[ 	]*[<\"]($pattern)" -r src --include='*.[ch]'); do
		echo "$f" | grep -qE "^($where)$" || say "$f: only $where may name $name"
	done
}
only libevent 'event\.h|event2/' 'src/loop/loop\.c'
only libpq 'libpq-fe\.h|postgres' 'src/db/[a-z_]*\.[ch]'
only libcurl 'curl/' 'src/ctl/http_client\.c|src/courier/client\.c'
only http-parser 'http_parser\.h' 'src/http/parse\.c'
only jsmn 'jsmn\.h' 'src/base/json_read\.c'
only OpenSSL 'openssl/' 'src/base/hash\.c|src/net/tls[a-z_]*\.[ch]|src/crypt/.*'
only libyaml 'yaml\.h' 'src/conf/conf_yaml\.c'
only threads 'pthread\.h' 'src/loop/offload\.c'

for f in $(find src -name '*.h' | sort); do
	grep -q '^#ifndef RINGD_.*_H$' "$f" || say "$f: no include guard RINGD_..._H"
done
for f in $(find src -name '*.[ch]' | sort); do
	head -n 1 "$f" | grep -q '^/\*' || say "$f: does not open with its contract"
	grep -nE '#[ 	]*if(n?def|.*defined).*(__linux__|__FreeBSD__|__OpenBSD__|__NetBSD__)' "$f" /dev/null && say "$f: a system's name in an #if"
done
dup=$(find src -name '*.h' -exec sed -n 's/^#ifndef \(RINGD_.*_H\)$/\1/p' {} + | sort | uniq -d)
[ -z "$dup" ] || say "the same include guard twice: $dup"

[ "$bad" -eq 0 ] && echo "layers: ok"
exit "$bad"
