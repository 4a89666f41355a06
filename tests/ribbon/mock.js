/*
 * mock: ringd's ribbon routes, as far as a page can tell, with faults at will. The tests run against the real daemon too; this one is for
 * what a healthy daemon cannot be made to do. Its signatures are real: it knows the secret, and no page does.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

import { last, sleep } from './rig.js';

const md5 = (t) => createHash('md5').update(t).digest('hex');
const id = () => randomBytes(16).toString('hex');

export function digest({ user, secret, realm, nonce, method, uri, qop, opaque }) {
	const ha1 = md5(`${user}:${realm}:${secret}`), ha2 = md5(`${method}:${uri}`);
	const auth = qop?.split(',').map((q) => q.trim()).includes('auth'), cnonce = randomBytes(8).toString('hex');
	const response = auth ? md5(`${ha1}:${nonce}:00000001:${cnonce}:auth:${ha2}`) : md5(`${ha1}:${nonce}:${ha2}`);

	return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5` +
	    (auth ? `, qop=auth, nc=00000001, cnonce="${cnonce}"` : '') + (opaque ? `, opaque="${opaque}"` : '');
}

export async function startMock({ folder, sip, secret, origins }) {
	const m = { sip, mode: 'webrtc', origins: new Set(origins), sessions: new Map(), calls: new Map(), next: [], asked: [], signs: 0, renewals: 0, revoked: false, initFails: null,
	    dialFails: null, dialDelay: 0, renewIn: 600000, notes: [], states: [], ends: [], byKey: new Map() };
	const problem = (status, code, message = code) => ({ status, body: { success: false, error: message, code, request_id: id() } });
	const good = (data, status = 200) => ({ status, body: { success: true, data } });
	const session = (rq) => {
		if (m.revoked)
			return problem(401, 'session_revoked', 'The session was revoked');
		return m.sessions.has((rq.headers.authorization ?? '').replace(/^Bearer /, '')) ? null : problem(401, 'invalid_session', 'Invalid session');
	};
	const seen = (c) => ({ id: c.id, state: c.state, call_sid: c.call_sid, phone_number: c.phone_number, context: c.context ?? null, status: c.status, outcome: null,
	    end_reason: c.end_reason ?? null, connected_at: c.connected_at ?? null, disposition: c.disposition ?? null, note: c.note ?? null, started_at: c.at, direction: c.direction ?? 'outbound', mode: m.mode, created_at: new Date().toISOString() });

	const routes = {
		'POST init': (rq, body) => {
			if (rq.headers['x-app-api-key'] !== 'web_good')
				return problem(401, 'invalid_api_key', 'Invalid API key');
			if (m.initFails)
				return problem(...m.initFails);
			if (!/^(agent-7|ey)/.test(body.agentToken))
				return problem(401, 'invalid_agent_token', 'The agent token is not valid');
			const token = `rs_${id()}`;

			m.sessions.set(token, true);
			return good({ session: { token, id: id(), expires_at: new Date(Date.now() + 900000).toISOString(), renew_in_ms: m.renewIn }, agent: { id: 'agent-7', name: 'Asha Rao' },
			    mode: m.mode, sip: m.mode === 'webrtc' ? m.sip : null, usage: { month: '2026-11', used: 125, limit: 10000 },
			    dispositions: ['Reached', 'No answer', 'Wrong number'] });
		},
		'POST renew': (rq) => session(rq) ?? (m.renewals++, good)({ expires_at: new Date(Date.now() + 900000).toISOString(), renew_in_ms: m.renewIn }),
		'POST end': (rq) => session(rq) ?? good({}),
		'GET calls': (rq) => session(rq) ?? good([...m.calls.values()].reverse().slice(0, 12).map(seen)),
		'POST incoming': (rq, b) => {
			const no = session(rq), there = [...m.calls.values()].find((c) => c.call_sid === b.call_sid);

			if (no)
				return no;
			const c = there ?? { id: id(), state: 'placed', call_sid: b.call_sid, phone_number: b.phone_number ?? '', direction: 'inbound', status: 'active', at: new Date().toISOString() };

			m.calls.set(c.id, c);
			return good({ id: c.id, state: c.state });
		},
		'POST sign': (rq, b) => {
			const no = session(rq);

			if (no)
				return no;
			if (b.method !== 'REGISTER')
				return problem(403, 'sip_method_refused');
			if (b.realm !== m.sip.domain || b.uri !== `sip:${m.sip.domain}`)
				return problem(403, 'sip_realm_refused');
			m.signs++;
			return good({ authorization: digest({ ...b, user: m.sip.user, secret }) });
		},
		'POST calls': async (rq, b) => {
			const no = session(rq), key = rq.headers['idempotency-key'];

			m.asked.push(b);
			if (no)
				return no;
			if (m.byKey.has(key))
				return good(seen(m.byKey.get(key)), 201);
			if (m.dialFails)
				return problem(...m.dialFails);
			const c = { id: id(), state: 'placed', call_sid: `sid${id()}`, phone_number: b.phone_number, context: b.context, status: 'ringing', at: new Date().toISOString() };

			m.calls.set(c.id, c);
			m.byKey.set(key, c);
			m.next.push({ call_sid: c.call_sid, sip_user: m.sip.user, sip_domain: m.sip.domain, to: b.phone_number });
			await sleep(m.dialDelay);
			return good(seen(c), 201);
		},
	};

	async function answer(rq, body) {
		const path = rq.url.split('?')[0], [, , , ...rest] = path.split('/');

		if (path.startsWith('/api/ribbon/calls/')) {
			const c = m.calls.get(rest[1]), no = session(rq);

			if (no)
				return no;
			if (!c)
				return problem(404, 'not_found');
			if (rest[2] === 'end') { m.ends.push({ id: c.id, ...body }); c.state = 'ended'; c.status = 'ended'; }
			if (rest[2] === 'state') m.states.push(body);
			if (rest[2] === 'note') { m.notes.push(body); Object.assign(c, body); }
			return good(seen(c));
		}
		const route = routes[`${rq.method} ${rest.join('/')}`];

		return route ? route(rq, body) : problem(404, 'not_found');
	}

	const server = createServer(async (rq, rs) => {
		const file = /^\/ribbon\/([a-z0-9.-]+)$/.exec(rq.url), origin = rq.headers.origin;
		const reply = (status, headers, body) => rs.writeHead(status, headers).end(body);

		if (file) {
			const path = join(folder, file[1]);

			return existsSync(path) ? reply(200, { 'content-type': path.endsWith('.js') ? 'text/javascript' : 'application/json', 'access-control-allow-origin': '*',
			    'cross-origin-resource-policy': 'cross-origin' }, readFileSync(path)) : reply(404, {});
		}
		if (rq.url === '/sim/next-call')
			return m.next.length > 0 ? reply(200, { 'content-type': 'application/json' }, JSON.stringify(m.next.shift())) : reply(204, {});
		if (!m.origins.has(origin))
			return reply(403, { 'content-type': 'application/json' }, JSON.stringify(problem(403, 'origin_not_allowed').body));
		const cors = { 'access-control-allow-origin': origin, vary: 'Origin', 'access-control-expose-headers': 'Retry-After, X-Request-Id' };

		if (rq.method === 'OPTIONS')
			return reply(204, { ...cors, 'access-control-allow-methods': 'GET, POST', 'access-control-allow-headers':
			    'content-type, authorization, x-app-api-key, idempotency-key', 'access-control-max-age': '600' });
		let text = '';

		for await (const part of rq)
			text += part;
		const { status, body } = await answer(rq, text ? JSON.parse(text) : {});

		return reply(status, { ...cors, 'content-type': 'application/json' }, JSON.stringify(body));
	});

	await new Promise((done) => server.listen(0, '127.0.0.1', done));
	last(() => new Promise((done) => { server.closeAllConnections(); server.close(done); }));
	m.url = `http://127.0.0.1:${server.address().port}`;
	m.close = () => new Promise((done) => { server.closeAllConnections(); server.close(done); });
	return m;
}
