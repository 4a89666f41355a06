/*
 * The ribbon's state machine: the orders things really come in, by name; then every order of a set of things, and a long random walk, against
 * what must always hold.
 */
import assert from 'node:assert/strict';
import test from 'node:test';

import { inCall, next, start, word } from '../../../src/ribbon/machine.js';

const ready = { ...start, line: 'ready', mode: 'webrtc' };

/* Plays events; gives the last state and everything that was to be done. */
function play(events, from = ready) {
	let s = from;
	const acts = [];

	for (const e of events) {
		const [after, more] = next(s, { at: 1000, ...e });

		s = after;
		acts.push(...more);
	}
	return { s, acts, did: (what) => acts.filter((a) => a.do === what), told: acts.filter((a) => a.do === 'emit').map((a) => a.name) };
}

const dial = { type: 'dial', key: 'k1', number: '+919812345678', context: 'deal 7' };
const placed = { type: 'placed', key: 'k1', id: 'c1', sid: 's1' };
const own = { type: 'invite', leg: 'l1', sid: 's1', number: '09812345678' };
const other = { type: 'invite', leg: 'l9', sid: 's9', number: '09999999999' };
const up = { type: 'leg_up', leg: 'l1' };
const active = { type: 'server', id: 'c1', state: 'placed', status: 'active', connected: true };
const hangUp = { type: 'hang_up' };

test('a dial, step by step in words', () => {
	const words = [];
	let s = ready;

	for (const e of [dial, placed, own, up, active, { type: 'held', leg: 'l1', on: true }, { type: 'muted', leg: 'l1', on: true },
	    { type: 'held', leg: 'l1', on: false }, { type: 'leg_gone', leg: 'l1', reason: 'they_hung_up' }, { type: 'done' }]) {
		[s] = next(s, { at: 1, ...e });
		words.push(word(s));
	}
	assert.deepEqual(words, ['asked', 'phone_rings', 'phone_rings', 'customer_rings', 'talking', 'held', 'held', 'muted', 'ended', 'ready']);
});

test('the invitation after the answer to the dial is answered by itself', () => {
	const { did, told } = play([dial, placed, own]);

	assert.deepEqual(did('answer'), [{ do: 'answer', leg: 'l1' }]);
	assert.equal(did('ring').length, 0);
	assert.deepEqual(told, ['connecting']);
});

test('one that comes before waits in silence, and is then answered', () => {
	const early = play([dial, own]);

	assert.equal(early.did('answer').length + early.did('ring').length + early.did('reject').length, 0);
	assert.deepEqual(early.did('after'), [{ do: 'after', ms: 5000, event: { type: 'waited', leg: 'l1' } }]);
	assert.deepEqual(play([dial, own, placed]).did('answer'), [{ do: 'answer', leg: 'l1' }]);
});

test('a stranger’s that comes before never is: it is refused when our own goes on', () => {
	const { did, s } = play([dial, other, placed, own]);

	assert.deepEqual(did('reject'), [{ do: 'reject', leg: 'l9', status: 486 }]);
	assert.deepEqual(did('answer'), [{ do: 'answer', leg: 'l1' }]);
	assert.equal(s.call.leg, 'l1');
});

test('when the dial fails, the one that waited rings', () => {
	const { did, s, told } = play([dial, other, { type: 'dial_failed', key: 'k1', reason: 'agent_busy' }]);

	assert.equal(did('answer').length, 0);
	assert.equal(word(s), 'incoming');
	assert.deepEqual(told, ['connecting', 'ended', 'incoming']);
});

test('when the answer is late, it rings, and is still known as ours when the answer comes', () => {
	const late = play([dial, own, { type: 'waited', leg: 'l1' }]);

	assert.equal(word(late.s), 'incoming');
	assert.equal(late.did('answer').length, 0);
	const then = play([dial, own, { type: 'waited', leg: 'l1' }, placed]);

	assert.deepEqual(then.did('answer'), [{ do: 'answer', leg: 'l1' }]);
	assert.equal(then.s.call.direction, 'outbound');
	assert.equal(then.s.call.number, dial.number);
});

test('an invitation without a CallSid, or with another, is only ever answered by hand', () => {
	for (const sid of [null, undefined, 's9'])
		for (const before of [[], [dial, placed]]) {
			const { did } = play([...before, { type: 'invite', leg: 'l5', sid, number: '1' }]);

			assert.equal(did('answer').length, 0);
		}
	assert.deepEqual(play([other, { type: 'answer' }]).did('answer'), [{ do: 'answer', leg: 'l9' }]);
});

test('a dial without a CallSid takes no invitation for its own', () => {
	const { did } = play([dial, { ...placed, sid: null }, { type: 'invite', leg: 'l5', sid: null, number: '1' }]);

	assert.equal(did('answer').length, 0);
});

test('hung up before it was placed: ended at the server, and its ringing is refused', () => {
	for (const order of [[dial, hangUp, placed, own], [dial, hangUp, own, placed], [dial, own, hangUp, placed], [dial, placed, hangUp, own]]) {
		const { did, s } = play(order);

		assert.deepEqual(did('end').map((a) => a.id), ['c1'], JSON.stringify(order));
		assert.deepEqual(did('reject').map((a) => a.leg), ['l1']);
		assert.equal(did('answer').length, 0);
		assert.equal(s.call.phase, 'ended');
	}
});

test('declining answers busy and ends', () => {
	const { did, s } = play([other, { type: 'decline' }]);

	assert.deepEqual(did('reject'), [{ do: 'reject', leg: 'l9', status: 486 }]);
	assert.equal(s.call.reason, 'declined');
});

test('a caller who gives up is missed, and hands are free again', () => {
	const { s, told } = play([other, { type: 'leg_gone', leg: 'l9', reason: 'missed' }, { type: 'done' }]);

	assert.equal(word(s), 'ready');
	assert.deepEqual(told, ['incoming', 'ended']);
});

test('a second call meets 486 while one is on', () => {
	assert.deepEqual(play([dial, placed, own, up, other]).did('reject'), [{ do: 'reject', leg: 'l9', status: 486 }]);
});

test('a second dial is refused, and one without a line too', () => {
	assert.deepEqual(play([dial, { ...dial, key: 'k2' }]).did('refuse'), [{ do: 'refuse', key: 'k2', code: 'in_call' }]);
	assert.deepEqual(play([dial, hangUp, { ...dial, key: 'k2' }]).did('refuse'), [{ do: 'refuse', key: 'k2', code: 'in_call' }]);
	assert.deepEqual(play([dial], start).did('refuse'), [{ do: 'refuse', key: 'k1', code: 'not_ready' }]);
});

test('the server’s word ends a call that no signalling ends', () => {
	const { did, s } = play([dial, placed, own, up, active, { type: 'server', id: 'c1', state: 'placed', status: 'ended', reason: 'completed' }]);

	assert.deepEqual(did('hangup'), [{ do: 'hangup', leg: 'l1' }]);
	assert.equal(s.call.reason, 'completed');
	assert.equal(play([dial, placed, { type: 'server', id: 'c2', status: 'ended' }]).s.call.phase, 'phone_rings');
});

test('the server’s "active" before our leg is up does not count as talking', () => {
	assert.equal(word(play([dial, placed, active]).s), 'phone_rings');
	assert.equal(word(play([dial, placed, own, active]).s), 'phone_rings');
});

test('in callback mode the server alone says', () => {
	const s = { ...ready, mode: 'callback' };

	assert.equal(word(play([dial, { ...placed, sid: 'x' }], s).s), 'phone_rings');
	assert.equal(word(play([dial, placed, active], s).s), 'talking');
	assert.equal(word(play([dial, placed, { type: 'no_ring', key: 'k1' }], s).s), 'phone_rings');
	assert.deepEqual(play([dial, placed, active, hangUp], s).did('end').map((a) => a.reason), ['agent_hung_up']);
});

test('a phone that never rings ends the call after a while, and at the server', () => {
	const { did, s } = play([dial, placed, { type: 'no_ring', key: 'k1' }]);

	assert.equal(s.call.reason, 'no_ring');
	assert.deepEqual(did('end').map((a) => a.id), ['c1']);
	assert.equal(play([dial, placed, own, { type: 'no_ring', key: 'k1' }]).s.call.phase, 'phone_rings');
});

test('losing the line loses no call', () => {
	const { s } = play([dial, placed, own, up, active, { type: 'line', line: 'connecting', reason: 'sip_unreachable' }]);

	assert.equal(word(s), 'talking');
	assert.equal(s.line, 'connecting');
});

test('a line that is ready again says so once', () => {
	assert.deepEqual(play([{ type: 'line', line: 'connecting' }, { type: 'line', line: 'ready' }, { type: 'line', line: 'ready' }]).told, ['ready']);
});

test('events of legs and calls long gone change nothing', () => {
	const { s } = play([dial, placed, own, up, hangUp, { type: 'done' }]);

	for (const e of [up, active, { type: 'held', leg: 'l1', on: true }, { type: 'leg_gone', leg: 'l1' }, { type: 'no_ring', key: 'k1' }, { type: 'waited', leg: 'l1' },
	    { type: 'surely_talking', leg: 'l1' }, { type: 'nonsense' }, { type: 'constructor' }, { type: 'logged', id: 'c1' }, { type: 'answer' }, hangUp]) {
		const [after] = next(s, { at: 1, ...e });

		assert.equal(word(after), 'ready');
		assert.equal(after.call, null);
	}
});

test('what is noted is told once it is stored', () => {
	assert.deepEqual(play([dial, placed, own, up, hangUp, { type: 'logged', id: 'c1' }]).told.slice(-2), ['ended', 'logged']);
});

/* ---- what must hold whatever comes in whatever order */

function* orders(list) {
	if (list.length < 2) {
		yield list;
		return;
	}
	for (let i = 0; i < list.length; i++)
		for (const rest of orders([...list.slice(0, i), ...list.slice(i + 1)]))
			yield [list[i], ...rest];
}

/* sids: leg → CallSid it came with. Checks a whole play. */
function holds(events) {
	const answered = new Set(), invited = new Map(), asked = new Set(), ends = [], closed = new Set();
	let s = ready, byHand = false;

	for (const e of events) {
		const before = s;
		let acts;

		if (e.type === 'leg_up' && !answered.has(e.leg))
			continue;		// a leg is up because we answered it
		[s, acts] = next(s, { at: 1, ...e });
		if (e.type === 'invite')
			invited.set(e.leg, e.sid ?? null);
		if (e.type === 'placed' && e.sid)
			asked.add(e.sid);
		byHand = e.type === 'answer';
		for (const a of acts) {
			if (a.do === 'answer') {
				assert.ok(invited.has(a.leg), 'only what was offered is answered');
				assert.ok(byHand || asked.has(invited.get(a.leg)), `answered by itself without having been asked for: ${JSON.stringify(events)}`);
				assert.ok(!closed.has(a.leg), 'what was refused or hung up is not answered');
				answered.add(a.leg);
			}
			if ((a.do === 'reject' || a.do === 'hangup') && invited.has(a.leg))
				closed.add(a.leg);
			if (a.do === 'emit' && a.name === 'ended')
				ends.push(before.call.at);
			if (a.do === 'end')
				assert.equal(a.id !== null && a.id !== undefined, true);
		}
		assert.ok(s.waiting.length === 0 || s.pending !== null, `an invitation waits for nothing: ${JSON.stringify(events)}`);
		assert.equal(word(s) === 'incoming', inCall(s) && s.call.phase === 'incoming');
		assert.ok(s.dropped.length <= 8);
	}
	return s;
}

test('every order of a dial, its answer, its invitation, a stranger’s, a hang-up and the server’s end', () => {
	let n = 0;

	for (const order of orders([dial, placed, own, other, up, hangUp, { type: 'server', id: 'c1', state: 'ended', status: 'ended' }])) {
		holds(order);
		n++;
	}
	assert.equal(n, 5040);
});

test('every order of answering, waiting too long and a dial that fails', () => {
	for (const order of orders([dial, { type: 'dial_failed', key: 'k1', reason: 'x' }, own, { type: 'waited', leg: 'l1' }, { type: 'answer' }, up,
	    { type: 'leg_gone', leg: 'l1', reason: 'missed' }]))
		holds(order);
});

test('twenty thousand random steps', () => {
	let seed = 4711;
	const rnd = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };

	for (let round = 0; round < 200; round++) {
		const events = [];

		for (let i = 0; i < 100; i++) {
			const k = `k${rnd(4)}`, l = `l${rnd(5)}`, sid = `s${rnd(4)}`;

			events.push([{ ...dial, key: k }, { type: 'placed', key: k, id: `c${k}`, sid }, { type: 'dial_failed', key: k, reason: 'x' },
			    { type: 'invite', leg: `${l}-${i}`, sid: rnd(3) ? sid : null, number: '1' }, { type: 'waited', leg: `${l}-${rnd(i + 1)}` }, { type: 'answer' },
			    { type: 'decline' }, hangUp, { type: 'leg_up', leg: `${l}-${rnd(i + 1)}` }, { type: 'leg_gone', leg: `${l}-${rnd(i + 1)}`, reason: 'x' },
			    { type: 'server', id: `c${k}`, status: ['active', 'ended'][rnd(2)], connected: true }, { type: 'done' }][rnd(12)]);
		}
		holds(events);
	}
});

test('a call that came is known to the server once it is answered, with what happened meanwhile', () => {
	const came = [other, { type: 'leg_up', leg: 'l9' }], known = { type: 'known', sid: 's9', id: 'c9' };
	const muted = { type: 'muted', leg: 'l9', on: true }, gone = { type: 'leg_gone', leg: 'l9', reason: 'they_hung_up' };

	assert.equal(play([other]).did('came').length, 0, 'not while it rings');
	assert.deepEqual(play(came).did('came'), [{ do: 'came', sid: 's9', number: '09999999999' }]);
	assert.equal(play([{ ...other, sid: null }, { type: 'leg_up', leg: 'l9' }]).did('came').length, 0, 'nor without a name');
	assert.equal(play([dial, other, { type: 'waited', leg: 'l9' }, { type: 'leg_up', leg: 'l9' }]).did('came').length, 0, 'nor while it may be our own');
	assert.deepEqual(play([...came, muted, known]).did('tell'), [{ do: 'tell', id: 'c9', state: { muted: true } }]);
	assert.equal(play([...came, known]).s.call.id, 'c9');
	assert.equal(play([...came, known]).did('poll').length, 0, 'the telephone says when it ends, and nobody else');
	assert.deepEqual(play([...came, gone, known]).did('end'), [{ do: 'end', id: 'c9', reason: 'they_hung_up' }]);
	assert.deepEqual(play([...came, known, gone]).did('end'), [{ do: 'end', id: 'c9', reason: 'they_hung_up' }]);
	assert.equal(play([...came, gone, { type: 'done' }, known]).s.call, null);
});
