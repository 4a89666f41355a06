/*
 * backend: what the browser's tests ask of the server's side, whichever it is: the mock here, or the real daemon with its simulator.
 */
import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { promisify } from 'node:util';

import { folder } from './pages.js';
import { startMock } from './mock.js';
import { until } from './rig.js';

export async function openMock({ sip, secret }) {
	const m = await startMock({ folder, sip, secret, origins: [] });
	const during = async (change, back, run) => { change(); try { await run(); } finally { back(); } };
	const byId = (call) => m.calls.get([...m.calls.values()].find((c) => c.call_sid === call.call_sid).id);

	return {
		mock: true,
		server: m.url,
		key: 'web_good',
		token: () => 'agent-7.token',
		allow: async (origin) => { m.origins.add(origin); },
		nextCall: () => until('Exotel to be asked for a call', async () => {
			const a = await fetch(`${m.url}/sim/next-call`);

			return a.status === 200 ? a.json() : null;
		}),
		answered: async (call) => { Object.assign(byId(call), { status: 'active', connected_at: new Date().toISOString() }); },
		ended: async (call) => { Object.assign(byId(call), { status: 'ended', state: 'ended', end_reason: 'completed' }); },
		slow: (ms, run) => during(() => { m.dialDelay = ms; }, () => { m.dialDelay = 0; }, run),
		revoked: (page, run) => during(() => { m.revoked = true; }, () => { m.revoked = false; }, run),
		mode: (word, run) => during(() => { m.mode = word; }, () => { m.mode = 'webrtc'; }, run),
		sip: (more, run) => { const was = m.sip; return during(() => { m.sip = { ...m.sip, ...more }; }, () => { m.sip = was; }, run); },
		initFails: (how, run) => during(() => { m.initFails = how; }, () => { m.initFails = null; }, run),
		renewing: (ms, run) => during(() => { m.renewIn = ms; }, () => { m.renewIn = 600000; }, run),
		renewals: () => m.renewals,
		forget: async () => { m.next.length = 0; },
	};
}

/* As the manual page tells a CRM's server to do it. */
const part = (x) => Buffer.from(x).toString('base64url');
function agentToken(serverKey, agent) {
	const text = part('{"alg":"HS256","typ":"JWT"}') + '.' + part(JSON.stringify({ sub: agent, exp: Math.floor(Date.now() / 1000) + 300 }));
	const key = createHash('sha256').update(serverKey).digest();

	return text + '.' + createHmac('sha256', key).update(text).digest('base64url');
}

/* d: what test_daemon.py says of the daemon it started. */
export function openDaemon(d) {
	let mode = 'webrtc';
	const seen = new Set();
	const sim = async (path, body) => {
		const a = await fetch(d.sim + path, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

		return a.status === 204 ? null : a.json();
	};

	return {
		server: d.server,
		key: d.key,
		token: () => agentToken(d.serverKey, d.agents[mode]),
		allow: async () => {},
		nextCall: () => until('Exotel to be asked for a call', async () => {
			if (mode === 'webrtc')
				return sim('/sim/next-call?wait_ms=1000');
			const call = (await sim('/_sim/state')).calls.find((c) => c.mode === 'callback' && !seen.has(c.Sid));

			if (call)
				seen.add(call.Sid);
			return call ? { call_sid: call.Sid } : null;
		}),
		answered: (call) => sim('/_sim/fire', { call_sid: call.call_sid, event: 'answered', status: 'in-progress', how: 'json', url: d.hook }),
		ended: (call) => sim('/_sim/end', { call_sid: call.call_sid, status: 'completed' }),
		async revoked(page, run) {
			const begun = (await Promise.all(page.bodies)).findLast((b) => b.includes('/api/ribbon/init ') && b.includes('"session"'));

			await promisify(execFile)(d.ringctl[0], [...d.ringctl.slice(1), 'session', 'revoke', d.app, /"id":"([0-9a-f-]{36})"/.exec(begun)[1]]);
			await run();
		},
		async mode(word, run) {
			mode = word;
			try { await run(); } finally { mode = 'webrtc'; }
		},
		forget: () => sim('/_sim/forget', {}),
	};
}
