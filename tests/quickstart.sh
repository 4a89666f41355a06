#!/bin/sh
# The demo as a newcomer runs it: starts, prints curl lines that work as printed, calls from a web page, leaves .demo/env as promised, and goes away.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp)
trap './quickstart --stop >/dev/null 2>&1 || true; rm -f "$out"' EXIT
fail() { echo "quickstart test: $*"; tail -n 60 "$out"; exit 1; }

./quickstart >"$out" 2>&1 || fail "the demo failed"
grep -q 'Dana Ortiz' "$out" || fail "no table of calls"
grep -q ' ringing ' "$out" && grep -q ' active ' "$out" || fail "no live call"
grep '^ *curl ' "$out" >"$out.curl"
[ "$(wc -l <"$out.curl")" -ge 4 ] || fail "no curl lines"
while read -r line; do
	answer=$(sh -c "$line -f") || fail "does not work as printed: $line"
	case $answer in *'"success":true'*) ;; *) fail "answers '$answer': $line" ;; esac
done <"$out.curl"
rm -f "$out.curl"
for name in BASE_URL ADMIN_URL API_KEY APP_ID HOOK_URL HOOK_SECRET DATABASE_URL WORKER_DATABASE_URL PID_FILE CONFIG_FILE LOG_FILE RINGCTL \
    DIALPAD_SIM_URL CONNECT_URL CONNECT_APP_ID DIAL_KEY; do
	grep -q "^$name='..*'" .demo/env || fail ".demo/env lacks $name"
done
. ./.demo/env
grep -q '^Acme CRM  connected ' "$out" || fail "the show did not connect"
grep -q "^  $CONNECT_URL\$" "$out" || fail "no link to click"
# The link is for a browser with cookies: there, agree, and back.
jar=$(mktemp)
there=$(curl -s -c "$jar" -o /dev/null -w '%{redirect_url}' "$CONNECT_URL")
case $there in "$DIALPAD_SIM_URL"/oauth2/authorize\?*) ;; *) fail "the link leads to '$there'" ;; esac
curl -s "$there" | grep -q '<button name="decision" value="allow">' || fail "nobody is asked"
back=$(curl -s -o /dev/null -w '%{redirect_url}' -d decision=allow "$there")
curl -s -b "$jar" "$back" | grep -q 'Dialpad is connected' || fail "the link does not connect"
rm -f "$jar"
$RINGCTL dialpad status "$CONNECT_APP_ID" --json | grep -q '"state": *"connected"' || fail "Globex is not connected"
sim=$(cat "$(dirname "$CONFIG_FILE")/sim.pid")
kill -0 "$sim" || fail "no simulator"
(cd / && $RINGCTL app create Second --json | grep -q '"api_key"') || fail "ringctl does not work from another folder"
[ -f "$LOG_FILE" ] && kill -0 "$(cat "$PID_FILE")" || fail "no log or no process"
if [ -n "${CRM_URL:-}" ]; then
	grep -q 'talks: outbound, +919812345678, deal D-1042$' "$out" && grep -q 'ended: .*you_hung_up$' "$out" || fail "the ribbon did not talk"
	[ -s .demo/ribbon.png ] || fail "no picture of the ribbon"
	curl -fs "$CRM_URL/" | grep -q 'integrity="sha384-' || fail "the page does not pin the ribbon"
	customer=$(cat "$(dirname "$CONFIG_FILE")/customer.pid")
	kill -0 "$customer" || fail "no customer"
else
	grep -q 'no call ribbon in this demo: it needs .* (apt-get install' "$out" || fail "nothing is said of the ribbon"
fi
./quickstart --stop >>"$out" 2>&1 || fail "--stop failed"
[ -z "${customer:-}" ] || ! kill -0 "$customer" 2>/dev/null || fail "the customer is still there"
[ ! -e .demo ] || fail ".demo is still there"
! kill -0 "$sim" 2>/dev/null || fail "the simulator is still there"
./quickstart --background >"$out" 2>&1 || fail "--background failed"
. ./.demo/env
curl -fs "$ADMIN_URL/health/ready" >/dev/null || fail "not ready in the background"
./quickstart --stop >>"$out" 2>&1 || fail "--stop failed"
echo "quickstart: ok"
