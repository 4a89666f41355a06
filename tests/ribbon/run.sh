#!/bin/sh
# The ribbon's tests: units, then in a browser. Exit 77 when this machine lacks what they need. RIBBON_CASES: words of the cases to be run.
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
node --test tests/ribbon/unit/ >/tmp/ringd-ribbon-units.$$ 2>&1 || { cat /tmp/ringd-ribbon-units.$$; rm -f /tmp/ringd-ribbon-units.$$; exit 1; }
sed -n 's/^# \(pass\|fail\) /  units	&/p' /tmp/ringd-ribbon-units.$$ | sed 's/# //'
rm -f /tmp/ringd-ribbon-units.$$
# shellcheck disable=SC2086
node tests/ribbon/browser.js ${RIBBON_CASES:-}
