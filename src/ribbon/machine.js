/*
 * machine: what the ribbon knows, and what each thing that happens makes of it. Pure: next(state, event) gives a new state and a
 * list of things to do; no clock, no network, no page in here, so that every order of events can be tried in a test.
 *
 * Of one agent there is one line (offline, connecting, ready) and at most one call. A call that is ours to answer by itself is one
 * whose Exotel CallSid came with the answer to our own dial: nothing else is ever answered without the agent's hand. The invitation may
 * overtake that answer; then it waits for it, silent, for EARLY_MS.
 *
 * A leg is one invitation of the SIP side, by a name the phone gave it. In callback mode there are none.
 */
export const EARLY_MS = 5000;		// an invitation waits for the answer to our dial
export const RING_MS = 60000;		// a placed call must have rung by then
export const ANSWER_MS = 60000;		// Exotel ends a leg nobody answered before; who is still there is talking

const DROPPED_MAX = 8;

export const start = Object.freeze({
	line: 'offline', reason: null, mode: null, call: null,
	pending: null,			// key of a dial whose answer has not come
	waiting: Object.freeze([]),	// invitations that wait for it
	dropped: Object.freeze([]),	// CallSids of dials the agent gave up: they must not ring
});

const LIVE = ['asked', 'phone_rings', 'customer_rings', 'incoming', 'talking'];

export const inCall = (s) => s.call !== null && LIVE.includes(s.call.phase);

/* The one word for people and for state events. */
export function word(s) {
	const c = s.call;

	if (c === null)
		return s.line;
	if (c.phase === 'talking' || c.phase === 'customer_rings') {
		if (c.held)
			return 'held';
		if (c.muted)
			return 'muted';
	}
	return c.phase;
}

const newCall = (more) => ({
	key: null, id: null, sid: null, leg: null, direction: 'outbound', phase: 'asked', number: null, name: null, context: null,
	held: false, muted: false, at: null, connectedAt: null, endedAt: null, reason: null, logged: false, ...more,
});

const withCall = (s, more) => ({ ...s, call: { ...s.call, ...more } });
const stay = (s) => [s, []];
const emit = (name) => ({ do: 'emit', name });
const busy = (leg) => ({ do: 'reject', leg, status: 486 });
const incoming = (w, at) => newCall({ leg: w.leg, sid: w.sid, direction: 'inbound', phase: 'incoming', number: w.number, name: w.name, at });

const forget = (s, sid) => ({ ...s, dropped: [...s.dropped, sid].slice(-DROPPED_MAX) });

/* Ends the call, once. What was ours must not ring afterwards as if it were a stranger's. */
function end(s0, at, reason, more = []) {
	if (!inCall(s0))
		return stay(s0);
	const s = s0.call.direction === 'outbound' && s0.call.sid !== null ? forget(s0, s0.call.sid) : s0;

	return [withCall(s, { phase: 'ended', endedAt: at, reason }), [...more, { do: 'unpoll' }, { do: 'silence' }, emit('ended')]];
}

/* The dial is answered: of the invitations that waited for that the first rings, if the agent is free. */
function release(s, at) {
	const [first, ...rest] = s.waiting, free = { ...s, waiting: [] };

	if (first === undefined)
		return stay(s);
	if (inCall(s))
		return [free, s.waiting.map((w) => busy(w.leg))];
	return [{ ...free, call: incoming(first, at) }, [{ do: 'ring' }, emit('incoming'), ...rest.map((w) => busy(w.leg))]];
}

/* One step after the other. */
function both([s, acts], step) {
	const [after, more] = step(s);

	return [after, [...acts, ...more]];
}

/* The customer is there. */
function talk(s, at) {
	if (!inCall(s) || s.call.phase === 'talking')
		return stay(s);
	return [withCall(s, { phase: 'talking', connectedAt: at }), [{ do: 'silence' }, emit('connected')]];
}

function dial(s, e) {
	const code = s.line !== 'ready' ? 'not_ready' : inCall(s) || s.pending !== null ? 'in_call' : null;

	if (code !== null)
		return [s, [{ do: 'refuse', key: e.key, code }]];
	const call = newCall({ key: e.key, number: e.number, context: e.context ?? null, at: e.at });

	return [{ ...s, call, pending: e.key }, [{ do: 'place', key: e.key, number: e.number, context: call.context }, emit('connecting')]];
}

/* Nobody wants that call any more: neither may it ring, nor go on at the server. */
function drop(s, e) {
	const waiting = s.waiting.filter((w) => w.sid !== e.sid);
	const acts = s.waiting.filter((w) => w.sid === e.sid).map((w) => busy(w.leg));

	return both([{ ...(e.sid ? forget(s, e.sid) : s), waiting }, [{ do: 'end', id: e.id, reason: 'cancelled' }, ...acts]],
	    (x) => release(x, e.at));
}

/* The call that rang while we did not know whose it was turns out to be our own. */
function adopt(s, e) {
	const c = s.call, ids = { id: e.id, direction: 'outbound' };

	if (c.phase !== 'incoming')
		return [withCall(s, ids), [{ do: 'poll', id: e.id }]];
	if (c.key !== e.key)		// given up in between
		return both(end(s, e.at, 'cancelled', [busy(c.leg)]), (x) => drop(x, e));
	return [withCall(s, { ...ids, phase: 'phone_rings', number: c.asked ?? c.number }),
	    [{ do: 'silence' }, { do: 'answer', leg: c.leg }, { do: 'poll', id: e.id }]];
}

/* The server placed it. The agent may have hung up, or have answered somebody else, in between. */
function placed(s0, e) {
	if (s0.pending !== e.key)
		return [s0, [{ do: 'end', id: e.id, reason: 'cancelled' }]];
	const s = { ...s0, pending: null }, c = s.call;

	if (inCall(s) && c.leg !== null && e.sid && c.sid === e.sid)
		return both(adopt(s, e), (x) => release(x, e.at));
	if (!inCall(s) || c.key !== e.key || !['asked', 'incoming'].includes(c.phase))
		return drop(s, e);
	const acts = c.leg !== null ? [{ do: 'silence' }, busy(c.leg)] : [];	// a stranger's call met ours
	const own = e.sid ? s.waiting.find((w) => w.sid === e.sid) : undefined;

	acts.push({ do: 'poll', id: e.id }, own ? { do: 'answer', leg: own.leg } :
	    { do: 'after', ms: RING_MS, event: { type: 'no_ring', key: e.key } });
	return both([{ ...withCall(s, { id: e.id, sid: e.sid, direction: 'outbound', leg: own ? own.leg : null, phase: 'phone_rings',
	    number: c.asked ?? c.number }), waiting: s.waiting.filter((w) => w !== own) }, acts], (x) => release(x, e.at));
}

function dialFailed(s, e) {
	if (s.pending !== e.key)
		return stay(s);
	const free = { ...s, pending: null };

	if (s.call === null || s.call.key !== e.key)
		return release(free, e.at);
	return both(s.call.phase === 'asked' ? end(free, e.at, e.reason) : stay(withCall(free, { key: null })), (x) => release(x, e.at));
}

function invite(s, e) {
	const w = { leg: e.leg, sid: e.sid ?? null, number: e.number ?? null, name: e.name ?? null }, c = s.call;

	if (w.sid !== null && s.dropped.includes(w.sid))
		return [s, [busy(w.leg)]];
	if (s.pending !== null && w.sid !== null && (!inCall(s) || c.phase === 'asked'))
		return [{ ...s, waiting: [...s.waiting, w] }, [{ do: 'after', ms: EARLY_MS, event: { type: 'waited', leg: w.leg } }]];
	if (inCall(s) && c.phase === 'phone_rings' && c.leg === null && w.sid !== null && w.sid === c.sid)
		return [withCall(s, { leg: w.leg }), [{ do: 'answer', leg: w.leg }]];
	if (inCall(s))
		return [s, [busy(w.leg)]];
	return [{ ...s, call: incoming(w, e.at) }, [{ do: 'ring' }, emit('incoming')]];
}

/* The answer to our dial did not come in time: the invitation rings as anybody's would, and the agent decides. */
function waited(s, e) {
	const w = s.waiting.find((x) => x.leg === e.leg);

	if (!w)
		return stay(s);
	const rest = { ...s, waiting: s.waiting.filter((x) => x !== w) };

	if (!inCall(s))
		return [{ ...rest, call: incoming(w, e.at) }, [{ do: 'ring' }, emit('incoming')]];
	if (s.call.phase !== 'asked')
		return [rest, [busy(w.leg)]];
	return [withCall(rest, { phase: 'incoming', direction: 'inbound', leg: w.leg, sid: w.sid, name: w.name, asked: s.call.number,
	    number: w.number }), [{ do: 'ring' }, emit('incoming')]];
}

/* The server is told of a call that was answered here, so that a note can be written to it. One that may yet turn out to be our own waits. */
function came(s) {
	const c = s.call;

	return [s, c.id === null && c.sid !== null && s.pending === null ? [{ do: 'came', sid: c.sid, number: c.number }] : []];
}

/* It knows it now: also what happened to it in between. Its word ends no such call: what Exotel calls ended may be one attempt of a flow. */
function known(s, e) {
	const c = s.call;

	if (c === null || c.id !== null || c.direction !== 'inbound' || c.sid !== e.sid)
		return stay(s);
	const acts = ['held', 'muted'].filter((f) => c[f]).map((f) => ({ do: 'tell', id: e.id, state: { [f]: true } }));

	return [withCall(s, { id: e.id }), inCall(s) ? acts : [...acts, { do: 'end', id: e.id, reason: c.reason }]];
}

function legUp(s, e) {
	if (!inCall(s) || s.call.leg !== e.leg)
		return [s, [{ do: 'hangup', leg: e.leg }]];
	if (s.call.direction === 'inbound')
		return both(talk(s, e.at), (x) => came(x));
	if (s.call.phase !== 'phone_rings')
		return stay(s);
	return [withCall(s, { phase: 'customer_rings' }),
	    [{ do: 'after', ms: ANSWER_MS, event: { type: 'surely_talking', leg: e.leg } }]];
}

function legGone(s, e) {
	if (s.waiting.some((w) => w.leg === e.leg))
		return stay({ ...s, waiting: s.waiting.filter((w) => w.leg !== e.leg) });
	if (!inCall(s) || s.call.leg !== e.leg)
		return stay(s);
	return end(s, e.at, e.reason, s.call.id ? [{ do: 'end', id: s.call.id, reason: e.reason }] : []);
}

function answer(s) {
	if (!inCall(s) || s.call.phase !== 'incoming')
		return stay(s);
	return [s, [{ do: 'silence' }, { do: 'answer', leg: s.call.leg }]];
}

function decline(s, e) {
	if (!inCall(s) || s.call.phase !== 'incoming')
		return stay(s);
	return end(s, e.at, 'declined', [busy(s.call.leg)]);
}

function hangUp(s, e) {
	if (!inCall(s))
		return stay(s);
	const c = s.call, acts = [];

	if (c.leg !== null)
		acts.push(c.phase === 'incoming' ? busy(c.leg) : { do: 'hangup', leg: c.leg });
	if (c.id !== null)
		acts.push({ do: 'end', id: c.id, reason: 'agent_hung_up' });
	return end(s, e.at, 'you_hung_up', acts);
}

/* What the server knows of the call: it may know of an end that no signalling brought, and of the customer's answer. */
function server(s, e) {
	const c = s.call;

	if (!inCall(s) || c.id === null || c.id !== e.id)
		return stay(s);
	if (e.state === 'failed' || e.state === 'ended' || e.status === 'ended')
		return end(s, e.at, e.reason || (e.state === 'failed' ? 'failed' : 'ended'), c.leg !== null ? [{ do: 'hangup', leg: c.leg }] : []);
	const up = c.leg !== null ? c.phase === 'customer_rings' : s.mode === 'callback';

	return e.connected && up ? talk(s, e.at) : stay(s);
}

/* Of a call in progress only: a flag the phone has really set. */
function flag(s, name, e) {
	if (!inCall(s) || s.call.leg !== e.leg || s.call[name] === e.on)
		return stay(s);
	const acts = [emit(name)];

	if (s.call.id !== null)
		acts.push({ do: 'tell', id: s.call.id, state: { [name]: e.on } });
	return [withCall(s, { [name]: e.on }), acts];
}

const steps = {
	line: (s, e) => [{ ...s, line: e.line, reason: e.reason ?? null, mode: e.mode ?? s.mode },
	    e.line === 'ready' && s.line !== 'ready' ? [emit('ready')] : []],
	dial,
	placed,
	dial_failed: dialFailed,
	invite,
	waited,
	leg_up: legUp,
	known,
	leg_gone: legGone,
	answer,
	decline,
	hang_up: hangUp,
	server,
	no_ring: (s, e) => (inCall(s) && s.call.key === e.key && s.call.phase === 'phone_rings' && s.call.leg === null && s.mode !== 'callback' ?
	    end(s, e.at, 'no_ring', [{ do: 'end', id: s.call.id, reason: 'no_ring' }]) : stay(s)),
	surely_talking: (s, e) => (inCall(s) && s.call.leg === e.leg && s.call.phase === 'customer_rings' ? talk(s, e.at) : stay(s)),
	held: (s, e) => flag(s, 'held', e),
	muted: (s, e) => flag(s, 'muted', e),
	logged: (s, e) => (s.call !== null && s.call.id === e.id ? [withCall(s, { logged: true }), [emit('logged')]] : stay(s)),
	done: (s) => (s.call !== null && s.call.phase === 'ended' ? stay({ ...s, call: null }) : stay(s)),
};

export function next(s, e) {
	const step = Object.hasOwn(steps, e.type) ? steps[e.type] : null;

	return step === null ? stay(s) : step(s, e);
}
