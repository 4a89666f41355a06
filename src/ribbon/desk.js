/*
 * desk: the agent's place. Joins machine, server, telephone, tabs and view: what happens goes into the machine, what the machine wants done
 * is done here. Everything a person or the host page can ask for is one entry of commands.
 */
import { createApi, backoff } from './api.js';
import { RibbonError, isPassing } from './fault.js';
import { createLeader } from './leader.js';
import { inCall, next, start, word } from './machine.js';
import { whyNoMicrophone, tryMicrophone } from './microphone.js';
import { loadPhone } from './load.js';

const RINGING_MS = 1000, TALKING_MS = 2000, READY_MS = 20000, TOKEN_MS = 10000, ENDED_MS = 6000, LOGGED_MS = 1200, HINT_MS = 800, ASKED_MS = 60000, PLACE_TRIES = 3, RECENT = 12;

/* What was refused before anybody heard of it; all else is told where it happens. */
const UNTOLD = ['invalid_phone_number', 'not_ready', 'in_call', 'no_call'];

const keyOf = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
const within = (ms, promise, what, code = 'timeout') => Promise.race([promise, new Promise((_, no) => setTimeout(no, ms, new RibbonError(code, what)))]);

export function createDesk({ options, version, keep, show, tellHost }) {
	const api = createApi(options.server, recover), dials = new Map();
	let state = start, phone = null, info = null, tabs = null, mirrored = null, fault = null, canRetry = false, blocked = false, poll = null, wait = null, again = null;
	let devices = [], stopped = false, atRest = null, recovering = null, admitted = false, began = 0, notice = null, unnotice = null, recent = [];

	/* ---- the machine, and what it wants done */
	const doing = {
		emit: ({ name }) => { emit(name); if (['ready', 'ended', 'logged'].includes(name)) remember(); },
		place,
		refuse: ({ key, code }) => settle(key, null, new RibbonError(code, code === 'in_call' ? 'There is a call already' : 'The ribbon is not ready')),
		answer: ({ leg }) => phone?.answer(leg),
		reject: ({ leg, status }) => phone?.reject(leg, status),
		came: ({ sid, number }) => tryTo(() => api.came(sid, number)).then((c) => { if (c) happen({ type: 'known', sid, id: c.id }); }),
		hangup: ({ leg }) => phone?.hangUp(leg),
		ring: () => phone?.sound.ring(),
		silence: () => phone?.sound.silence(),
		after: ({ ms, event }) => setTimeout(happen, ms, event),
		poll: ({ id }) => { clearTimeout(poll); poll = setTimeout(look, RINGING_MS / 2, id, 0); },
		unpoll: () => { clearTimeout(poll); poll = null; },
		end: ({ id, reason }) => tryTo(() => api.hangUp(id, reason)),
		tell: ({ id, state: what }) => tryTo(() => api.tell(id, what)),
	};

	function happen(event) {
		const [after, acts] = next(state, { at: Date.now(), ...event });
		const changed = after !== state;

		state = after;
		for (const act of acts)
			doing[act.do](act);
		if (changed)
			publish();
		rest();
	}

	/* An ended call is shown for a while; one that waits for a note, until it got one. */
	function rest() {
		const c = state.call;

		if (c?.phase !== 'ended' || (c.id !== null && !c.logged)) {
			clearTimeout(atRest);
			atRest = null;
		} else {
			atRest ??= setTimeout(() => { atRest = null; happen({ type: 'done' }); }, c.logged ? LOGGED_MS : ENDED_MS);
		}
	}

	async function tryTo(what) {
		for (let tries = 0; tries < 4; tries++)
			try {
				return await what();
			} catch (err) {
				if (!isPassing(err))
					return undefined;
				await new Promise((done) => setTimeout(done, backoff(tries)));
			}
		return undefined;
	}

	/* The same key each time: however often it is asked, one call is placed. */
	async function place({ key, number, context }) {
		for (let tries = 0; ; tries++)
			try {
				const call = await api.dial(number, context, key);

				if (info.usage)
					info.usage.used++;
				happen({ type: 'placed', key, id: call.id, sid: call.call_sid ?? null });
				settle(key, { id: call.id, callSid: call.call_sid ?? null });
				return;
			} catch (err) {
				if ((err.code === 'network' || err.code === 'timeout') && tries + 1 < PLACE_TRIES) {
					await new Promise((done) => setTimeout(done, backoff(tries)));
					continue;
				}
				happen({ type: 'dial_failed', key, reason: err.code });
				settle(key, null, err);
				fail(err, false);
				return;
			}
	}

	function settle(key, value, err) {
		const d = dials.get(key);

		dials.delete(key);
		err ? d?.reject(err) : d?.resolve(value);
	}

	async function look(id, tries) {
		let failed = 0;

		try {
			const c = await api.look(id);

			happen({ type: 'server', id, state: c.state, status: c.status, connected: c.connected_at != null || c.status === 'active', reason: endReason(c) });
		} catch (err) {
			failed = tries + 1;
			if (!isPassing(err) && err.name !== 'LimitError')
				return;
		}
		if (inCall(state) && state.call.id === id)
			poll = setTimeout(look, failed > 0 ? backoff(failed) : state.call.phase === 'talking' ? TALKING_MS : RINGING_MS, id, failed);
	}
	const endReason = (c) => c.end_reason ?? c.outcome ?? null;

	/* The agent's own calls as the server knows them, and which of them still want a note. */
	async function remember() {
		const calls = await api.recent(RECENT).catch(() => null);

		if (calls === null)
			return;
		recent = calls.map((c) => ({ id: c.id, number: c.phone_number, inbound: c.direction === 'inbound', at: Date.parse(c.started_at), reason: endReason(c) ?? c.error ?? null,
		    unlogged: ['placed', 'ended'].includes(c.state) && c.disposition === null && c.note === null }));
		publish();
	}

	/* ---- what others are told */
	const shown = (c) => (c === null ? null : { id: c.id, callSid: c.sid, direction: c.direction, number: c.number, name: c.name, context: c.context,
		phase: c.phase, held: c.held, muted: c.muted, startedAt: c.at, connectedAt: c.connectedAt, endedAt: c.endedAt, reason: c.reason, logged: c.logged });

	function snapshot() {
		const c = state.call, tones = c !== null && phone !== null && inCall(state) && ['customer_rings', 'talking'].includes(c.phase);

		return { word: word(state), line: state.line, reason: state.reason, mode: info?.mode ?? null, agent: info?.agent?.name ?? null, usage: info?.usage ?? null,
		    dispositions: info?.dispositions ?? [], recent: recent.filter((r) => !inCall(state) || r.id !== state.call.id), fault: fault && { code: fault.code, message: fault.message }, live: inCall(state), tones,
		    call: c === null ? null : { ...shown(c), at: c.at } };
	}
	const asSeen = () => {
		const own = { leader: tabs === null || !tabs.following(), canRetry, blocked, devices: { list: devices, mic: keep.get('mic'), speaker: keep.get('speaker'), ringer: keep.get('ringer'),
		    volume: keep.get('volume') ?? 1 } };
		const s = own.leader ? snapshot() : { ...(mirrored ?? { ...snapshot(), word: 'connecting' }) };

		const shownFault = fault ?? notice;

		return { ...s, ...(shownFault === null ? {} : { fault: { code: shownFault.code, message: shownFault.message } }), ...own };
	};
	let lastWord = null;
	function publish() {
		const s = asSeen();

		tabs?.tell('state', snapshot());
		show(s);
		if (s.word !== lastWord) {
			lastWord = s.word;
			emit('state');
		}
	}
	function emit(name, error = null) {
		const s = asSeen(), what = { state: s.word, call: s.call === null ? null : shownToHost(s.call), leader: s.leader, ...(error === null ? {} : { error }) };

		tellHost(name, what);
		if (name !== 'state')
			tabs?.tell('event', { name, what: { ...what, ...(error === null ? {} : { error: { name: error.name, code: error.code, message: error.message } }) } });
	}
	const shownToHost = ({ at: _, ...c }) => Object.freeze(c);

	function fail(err, lasting = true) {
		if (lasting) {
			fault = err;
			canRetry = true;
			publish();
		}
		emit('error', err);
	}

	/* Shown for a while, and told to the page. */
	function notify(err) {
		notice = err;
		clearTimeout(unnotice);
		unnotice = setTimeout(() => { notice = null; publish(); }, ENDED_MS);
		publish();
		emit('error', err);
	}

	/* ---- beginning, again and again if need be */
	async function token() {
		if (typeof options.agentToken !== 'function')
			return options.agentToken;
		try {
			return await within(TOKEN_MS, Promise.resolve(options.agentToken()), 'agentToken() did not answer in time');
		} catch (err) {
			throw err instanceof RibbonError ? err : new RibbonError('agent_token_failed', `agentToken() failed: ${err?.message ?? err}`);
		}
	}
	async function admit() {
		info = await api.init(options.apiKey, await token());
		admitted = true;
	}

	/* The session ended without us. Too old: another one, if the page can prove the agent anew. Ended by somebody: that is that. */
	function recover(err) {
		recovering ??= tryAnew(err).finally(() => { recovering = null; });
		return recovering;
	}
	async function tryAnew(err) {
		if (stopped)
			return false;
		if (err.code !== 'session_revoked' && typeof options.agentToken === 'function')
			try {
				await admit();
				return true;
			} catch (again) {
				err = again;
			}
		admitted = false;
		happen({ type: 'line', line: 'offline', reason: err.code });
		if (!inCall(state))
			endPhone();
		if (fault?.code !== err.code)
			fail(err);
		return false;
	}
	function endPhone() {
		phone?.stop();
		phone = null;
	}

	/* A browser may ask the agent, who may not see that it does; nor does a question wait for ever. */
	async function askMicrophone() {
		const hint = setTimeout(() => { fault = new RibbonError('microphone_asked', 'The browser asks for the microphone'); publish(); }, HINT_MS);

		try {
			await within(ASKED_MS, tryMicrophone(), 'Nobody answered the question for the microphone', 'microphone_refused');
		} finally {
			clearTimeout(hint);
			if (fault?.code === 'microphone_asked')
				fault = null;
		}
	}

	async function takeLine() {
		if (info.mode !== 'webrtc') {
			happen({ type: 'line', line: 'ready', mode: 'callback' });
			return;
		}
		happen({ type: 'line', line: 'connecting', mode: 'webrtc' });
		const createPhone = await within(READY_MS, loadPhone(options.server), 'The telephone part did not load in time');

		await askMicrophone();
		let settled, waits = true;
		const ready = new Promise((resolve, reject) => { settled = { resolve, reject }; });

		phone = createPhone({ sip: info.sip, version, sign: (what) => api.sign(what), iceServers: options.iceServers, sinkId: keep.get('speaker'),
		    microphoneId: keep.get('mic'), makeError: (code, message) => new RibbonError(code, message),
		    hear(event) {
			if (event.type === 'line' && event.line === 'ready') {
				fault = null;
				canRetry = false;
				waits = false;
				settled.resolve();
			}
			happen(event);
			if (event.type === 'leg_gone' && state.line === 'offline')
				endPhone();
		    },
		    fail(err) {
			const e = err instanceof RibbonError ? err : whyNoMicrophone(err);

			settled.reject(e);
			if (!waits && fault?.code !== e.code)
				fail(e);
		    } });
		phone.sound.ringer(keep.get('ringer'));
		phone.sound.volume(keep.get('volume') ?? 1);
		phone.sound.onBlocked((yes) => { if (blocked !== yes) { blocked = yes; publish(); } });
		try {
			await within(READY_MS, ready, 'The telephone server did not answer in time');
		} catch (err) {
			throw err.code === 'timeout' && state.reason === 'sip_unreachable' ? new RibbonError('sip_unreachable', 'The telephone server cannot be reached') : err;
		}
	}

	/* What may pass by itself is tried again by itself; the first failure is told to who asked. */
	function fallBack(err) {
		endPhone();
		tabs?.leave();
		happen({ type: 'line', line: 'offline', reason: err.code });
		if (fault?.code !== err.code)
			fail(err);
		clearTimeout(again);
		if (isPassing(err) && !stopped)
			again = setTimeout(() => begin().catch(() => {}), backoff(began++));
	}
	async function begin() {
		clearTimeout(again);
		canRetry = false;
		endPhone();
		happen({ type: 'line', line: 'connecting' });
		try {
			if (!admitted)
				await admit();
			tabs ??= createLeader({ name: `ringd-ribbon ${options.server} ${info.agent.id}`, snapshot, command: run, heard,
			    lead: () => takeLine().then(publish, fallBack) });
			if (tabs.leading() || await tabs.begin())
				await takeLine();
			fault = null;
			began = 0;
			publish();
		} catch (err) {
			fallBack(err);
			throw err;
		}
	}
	function heard(kind, body) {
		if (kind === 'state') {
			mirrored = body;
			publish();
		} else {
			tellHost(body.name, { ...body.what, leader: false });
		}
	}

	/* ---- what people and pages can ask for; in any tab, done by the one with the telephone */
	const talking = () => (inCall(state) && state.call.leg !== null ? state.call.leg : null);
	const commands = {
		dial: ({ number, context }) => new Promise((resolve, reject) => {
			const key = keyOf();

			dials.set(key, { resolve, reject });
			happen({ type: 'dial', key, number, context });
		}),
		answer: () => happen({ type: 'answer' }),
		decline: () => happen({ type: 'decline' }),
		hangUp: () => happen({ type: 'hang_up' }),
		done: () => happen({ type: 'done' }),
		recent: remember,
		mute: (on) => phone?.mute(talking(), on ?? !state.call?.muted),
		hold: (on) => phone?.hold(talking(), on ?? !state.call?.held) ?? false,
		dtmf: (tones) => phone?.dtmf(talking(), String(tones)) ?? false,
		async note({ disposition, note, id = state.call?.id }) {
			if (!id)
				throw new RibbonError('no_call', 'There is no call to write a note to');
			try {
				await api.note(id, { disposition, note });
			} catch (err) {
				notify(err);
				throw err;
			}
			happen({ type: 'logged', id });
			if (id !== state.call?.id)
				await remember();
		},
	};
	const run = async (name, arg) => (Object.hasOwn(commands, name) ? commands[name](arg) : undefined);

	/* ---- what only this tab can do */
	const local = {
		retry: () => begin().catch(() => {}),
		sound: () => phone?.sound.unblock(),
		complain: (err) => { if (UNTOLD.includes(err?.code)) notify(err); },
		async devices() {
			const all = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
			const speakers = typeof HTMLMediaElement.prototype.setSinkId === 'function';

			devices = all.filter((d) => d.deviceId && d.deviceId !== 'default' && (d.kind === 'audioinput' || (speakers && d.kind === 'audiooutput')))
			    .map((d) => ({ kind: d.kind, id: d.deviceId, label: d.label || d.deviceId.slice(0, 6) }));
			publish();
		},
		microphone: (id) => { keep.set('mic', id || null); phone?.microphone(id || null).catch((err) => fail(whyNoMicrophone(err), false)); },
		ringer: (id) => { keep.set('ringer', id || null); phone?.sound.ringer(id || null); },
		volume: (v) => { keep.set('volume', v); phone?.sound.volume(v); },
		speaker: (id) => { keep.set('speaker', id || null); phone?.sound.speaker(id); },
	};

	/* Into the cache for back and forward, and out of it. */
	function sleep(e) {
		if (e.persisted) {
			endPhone();
			tabs?.leave();
		} else {
			stopped = true;
			endPhone();
			api.end();
		}
	}
	async function wake(e) {
		if (!e.persisted || stopped)
			return;
		admitted = await api.alive();
		await begin().catch(() => {});
	}
	/* The network came back: no need to wait for the next try, nor to believe in a socket from before. */
	const online = () => phone?.wake();
	const warn = (e) => { if ((tabs?.leading() ?? true) && inCall(state)) e.preventDefault(); };

	addEventListener('pagehide', sleep);
	addEventListener('pageshow', wake);
	addEventListener('online', online);
	/* There only while it is needed: a page with this listener may be kept out of that cache. */
	const guard = setInterval(() => {
		const want = inCall(state) && (tabs?.leading() ?? true);

		if (want && wait === null)
			addEventListener('beforeunload', wait = warn);
		else if (!want && wait !== null) {
			removeEventListener('beforeunload', wait);
			wait = null;
		}
	}, 500);
	navigator.mediaDevices?.addEventListener?.('devicechange', () => { if (devices.length > 0) local.devices(); });

	return Object.freeze({
		begin,
		ask: (name, arg) => (Object.hasOwn(local, name) ? local[name](arg) : tabs === null ? run(name, arg) : tabs.ask(name, arg)),
		seen: asSeen,
		stop() {
			stopped = true;
			clearInterval(guard);
			clearTimeout(poll);
			removeEventListener('pagehide', sleep);
			removeEventListener('pageshow', wake);
			removeEventListener('online', online);
			clearTimeout(again);
			clearTimeout(unnotice);
			removeEventListener('beforeunload', warn);
			endPhone();
			tabs?.close();
			api.end();
		},
	});
}
