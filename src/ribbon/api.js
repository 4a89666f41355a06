/*
 * api: ringd's HTTP surface as the ribbon uses it. The session's token lives in this closure, and goes nowhere but into the header of a
 * request to our own server: not into storage, not into a message, not to the console, not to the host page.
 */
import { RibbonError, isPassing, isSession } from './fault.js';

const TIMEOUT_MS = 10000;

export const jitter = (ms) => ms * (0.75 + Math.random() / 2);
/* 1, 2, 4 … 30 s, each a little more or less, so that a thousand ribbons do not come back at once. */
export const backoff = (tries) => jitter(Math.min(30000, 1000 * 2 ** Math.min(tries, 5)));

function faultOf(status, body, headers) {
	const code = body?.code ?? (status === 429 ? 'limit_reached' : `http_${status}`);
	const after = Number(headers.get('retry-after'));

	return new RibbonError(code, body?.error ?? `The server answered ${status}`, { requestId: body?.request_id ?? null,
	    retryAfter: Number.isFinite(after) && after > 0 ? after : null });
}

/* recover(err): promise; true when there is another session after all, and what failed may be asked again. */
export function createApi(server, recover) {
	let token = null, timer = null, ends = 0, tries = 0;

	async function send(method, path, body, headers) {
		let answer;

		try {
			answer = await fetch(server + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body),
			    mode: 'cors', credentials: 'omit', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer',
			    signal: AbortSignal.timeout(TIMEOUT_MS) });
		} catch (err) {
			if (err?.name === 'TimeoutError')
				throw new RibbonError('timeout', 'The server did not answer in time');
			throw new RibbonError('network', 'The server cannot be reached');
		}
		const json = await answer.json().catch(() => null);

		if (!answer.ok || json?.success !== true)
			throw faultOf(answer.status, json, answer.headers);
		return json.data;
	}

	function once(method, path, body, more) {
		if (token === null)
			return Promise.reject(new RibbonError('invalid_session', 'There is no session'));
		const headers = { authorization: `Bearer ${token}`, ...more };

		if (body !== undefined)
			headers['content-type'] = 'application/json';
		return send(method, path, body, headers);
	}
	async function call(...what) {
		const used = token;

		try {
			return await once(...what);
		} catch (err) {
			if (!isSession(err) || (token === used && !await recover(err)))
				throw err;
			return once(...what);
		}
	}
	async function renew() {
		const data = await once('POST', '/api/ribbon/renew', {});

		ends = Date.parse(data.expires_at);
		tries = 0;
		later(data.renew_in_ms);
	}
	/* Ahead of its end, for as long as that is allowed. */
	async function keep() {
		try {
			await renew();
		} catch (err) {
			if (isSession(err) || (!isPassing(err) && Date.now() > ends))
				await recover(err);
			else
				later(err.retryAfter !== null ? jitter(err.retryAfter * 1000) : backoff(tries++));
		}
	}
	function later(ms) {
		clearTimeout(timer);
		timer = setTimeout(keep, ms);
	}

	/* A server that refuses a page's origin may not say so to it: the answer looks like none. Its public files say whether it is there. */
	async function whyNone(err) {
		if (err.code !== 'network')
			return err;
		try {
			await fetch(`${server}/ribbon/manifest.json`, { mode: 'cors', credentials: 'omit', signal: AbortSignal.timeout(TIMEOUT_MS) });
		} catch {
			return err;
		}
		return new RibbonError('origin_not_allowed', `The server does not answer pages of ${location.origin}`);
	}

	return Object.freeze({
		async init(apiKey, agentToken) {
			let data;

			try {
				data = await send('POST', '/api/ribbon/init', { domain: location.hostname, agentToken },
				    { 'content-type': 'application/json', 'x-app-api-key': apiKey });
			} catch (err) {
				throw await whyNone(err);
			}
			token = data.session.token;
			delete data.session.token;
			ends = Date.parse(data.session.expires_at);
			tries = 0;
			later(data.session.renew_in_ms);
			return data;
		},
		/* Is there a session still? After a sleep nobody knows. */
		alive: () => (token === null ? Promise.resolve(false) : renew().then(() => true, (err) => !isSession(err))),
		/* Says good-bye; a page that is going away has no time for more. */
		end() {
			clearTimeout(timer);
			if (token === null)
				return;
			fetch(`${server}/api/ribbon/end`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			    body: '{}', mode: 'cors', credentials: 'omit', keepalive: true }).catch(() => {});
			token = null;
		},
		dial: (number, context, key) => call('POST', '/api/ribbon/calls', { phone_number: number, ...(context ? { context } : {}) },
		    { 'idempotency-key': key }),
		recent: (n) => call('GET', `/api/ribbon/calls?limit=${n}`),
		came: (sid, number) => call('POST', '/api/ribbon/incoming', { call_sid: sid, ...(number ? { phone_number: number } : {}) }),
		look: (id) => call('GET', `/api/ribbon/calls/${encodeURIComponent(id)}`),
		hangUp: (id, reason) => call('POST', `/api/ribbon/calls/${encodeURIComponent(id)}/end`, { reason }),
		tell: (id, state) => call('POST', `/api/ribbon/calls/${encodeURIComponent(id)}/state`, state),
		note: (id, what) => call('POST', `/api/ribbon/calls/${encodeURIComponent(id)}/note`, what),
		sign: (what) => call('POST', '/api/ribbon/sign', what),
	});
}
