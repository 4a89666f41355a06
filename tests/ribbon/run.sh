#!/bin/sh
# The ribbon's tests: units; in a browser what a healthy daemon cannot be made to do; in a browser on the real daemon. Exit 77 when this machine lacks what they need. RIBBON_CASES: words of the cases to be run.
set -eu
cd "$(dirname "$0")/../.."
skip() { echo "ribbon: skipped: $* (./quickstart check installs it)" >&2; exit 77; }

command -v node >/dev/null 2>&1 || skip "no node"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || skip "node is older than 18"
command -v npm >/dev/null 2>&1 || skip "no npm"
command -v kamailio >/dev/null 2>&1 || skip "no kamailio"
[ -n "$(find /usr/lib /usr/local/lib -path '*kamailio/modules/websocket.so' 2>/dev/null | head -n 1)" ] || skip "no kamailio-websocket-modules"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || skip "no chromium"

make -s ribbon
tests/ribbon/modules.sh tests/ribbon
work=$(mktemp -d /tmp/ringd-ribbon-run.XXXXXX)
mock=
finish() { [ -z "$mock" ] || kill "$mock" 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT
trap 'exit 1' HUP INT TERM

node --test tests/ribbon/unit/*.test.mjs >"$work/units" 2>&1 || { cat "$work/units"; exit 1; }
sed -n 's/^# \(pass\|fail\) /  units	\1 /p' "$work/units"
python=
for p in /usr/bin/python3 python3; do
	if "$p" -c 'import pytest, psycopg2' 2>/dev/null; then python=$p; break; fi
done
[ -n "$python" ] || skip "no Python with pytest and psycopg2"

# shellcheck disable=SC2086
on_mock() { RIBBON_ONLY=mock exec node tests/ribbon/browser.js ${RIBBON_CASES:-}; }	# for a process of its own
on_daemon() { PYTHONPATH=tests/e2e "$python" -m pytest -q -s --tb=short -p no:cacheprovider -p conftest --rootdir=tests/ribbon tests/ribbon/test_daemon.py; }

# Side by side: most of their time is waiting. What failed is tried once more, alone: that decides, and both are shown.
on_mock >"$work/mock" 2>&1 &
mock=$!
daemon_bad=0 mock_bad=0
on_daemon || daemon_bad=1
wait "$mock" || mock_bad=1
mock=
cat "$work/mock"
if [ "$daemon_bad$mock_bad" != 00 ]; then
	echo "ribbon: once more, alone, the half in which something failed above"
	[ "$daemon_bad" = 0 ] || on_daemon || exit 1
	[ "$mock_bad" = 0 ] || (on_mock) || exit 1
fi
