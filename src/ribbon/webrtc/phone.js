/*
 * phone: the SIP side in the browser, on JsSIP. Registers, rings, answers, and says what happened in the machine's words; decides
 * nothing. It knows user, domain and server, and no secret.
 *
 * A lost socket takes no call with it: sound goes on from browser to browser, JsSIP connects again by itself, and each call then sends
 * a re-INVITE, because until then nobody can reach us inside its dialog: not even with a hang-up.
 */
import UA from 'jssip/lib/UA.js';
import WebSocketInterface from 'jssip/lib/WebSocketInterface.js';

import { backoff } from '../api.js';
import { isPassing } from '../fault.js';
import { signRequests } from './signed.js';
import { createSound } from './sound.js';

const EXPIRES_S = 300;
const DTMF = { transportType: 'INFO', duration: 240, interToneGap: 100 };
const RENEGOTIATE_MS = 500, HOLD_MS = 200;

const reasons = { Canceled: 'missed', Busy: 'busy', Rejected: 'declined', 'No Answer': 'no_answer', 'Connection Error': 'connection',
	'User Denied Media Access': 'media', 'WebRTC Error': 'media', 'Bad Media Description': 'media', 'RTP Timeout': 'connection' };

/* hear(event) gets the machine's events; fail(err) what people should know. */
export function createPhone({ sip, sign, version, iceServers, sinkId, microphoneId, makeError, hear, fail }) {
	const legs = new Map(), sound = createSound(sinkId);
	let tries = 0, again = null, why = null, count = 0, down = false, mic = microphoneId ?? null, over = false;

	const ua = new UA({
		sockets: [new WebSocketInterface(sip.server)], uri: `sip:${sip.user}@${sip.domain}`, register: true, register_expires: EXPIRES_S,
		session_timers: false, no_answer_timeout: 120, connection_recovery_min_interval: 1, connection_recovery_max_interval: 30,
		user_agent: `ringd-ribbon/${version}`,
	});
	const line = (word, reason = null) => hear({ type: 'line', line: word, reason });

	/* The last refusal of a signature says more than the 401 that follows it. */
	signRequests(ua, sign, (err) => { why = err; });

	ua.on('connected', () => {
		for (const leg of legs.values())
			if (leg.dying)
				leg.session.terminate();
	});
	ua.on('disconnected', () => {
		if (!over && !down)
			line('connecting', 'sip_unreachable');
		down = true;
	});
	ua.on('registered', () => {
		tries = 0;
		why = null;
		line('ready');
		const lost = down;

		down = false;
		if (lost)
			for (const leg of legs.values())
				renegotiate(leg);
	});
	ua.on('unregistered', () => { if (!over && !down) line('connecting'); });
	ua.on('registrationFailed', ({ response }) => {
		const err = why ?? makeError(response ? 'sip_refused' : 'sip_unreachable', response ? `${response.status_code}` : 'no answer');

		why = null;
		if (over)
			return;
		if (isPassing(err) || (err.code === 'sip_refused' && response.status_code >= 500)) {
			line('connecting', err.code);
			clearTimeout(again);
			again = setTimeout(() => { if (ua.isConnected()) ua.register(); }, err.retryAfter !== null ? err.retryAfter * 1000 : backoff(tries++));
			return;
		}
		line('offline', err.code);
		fail(err);
	});
	ua.on('newRTCSession', ({ originator, session, request }) => {
		if (originator !== 'remote')
			return;
		const leg = { name: `leg-${++count}`, session, up: false, dying: false, asked: false, hold: false };

		legs.set(leg.name, leg);
		follow(leg);
		hear({ type: 'invite', leg: leg.name, sid: request.getHeader('X-Exotel-Callsid') || null, number: request.from.display_name || request.from.uri.user,
		    name: null });
	});

	function follow(leg) {
		const { session, name } = leg;
		const gone = (e) => {
			if (!legs.delete(name))
				return;
			sound.detach(name);
			if (!leg.dying)
				hear({ type: 'leg_gone', leg: name, reason: e.originator === 'remote' && e.cause === 'Terminated' ? 'they_hung_up' :
				    reasons[e.cause] ?? (e.originator === 'local' ? 'you_hung_up' : 'ended') });
		};

		session.on('peerconnection', ({ peerconnection }) => {
			peerconnection.addEventListener('track', (e) => sound.attach(name, e.streams[0] ?? new MediaStream([e.track])));
		});
		session.on('confirmed', () => { leg.up = true; hear({ type: 'leg_up', leg: name }); });
		session.on('ended', gone);
		session.on('failed', gone);
		session.on('getusermediafailed', (err) => fail(err));
		for (const [on, flag, value] of [['hold', 'held', true], ['unhold', 'held', false]])
			session.on(on, ({ originator }) => { if (originator === 'local') hear({ type: flag, leg: name, on: value }); });
		session.on('muted', () => hear({ type: 'muted', leg: name, on: true }));
		session.on('unmuted', () => hear({ type: 'muted', leg: name, on: false }));
	}

	/* Until it succeeds: another negotiation may be under way. */
	function renegotiate(leg) {
		if (!legs.has(leg.name) || leg.dying || !leg.up || down)
			return;
		if (!leg.session.renegotiate({ useUpdate: false }))
			setTimeout(renegotiate, RENEGOTIATE_MS, leg);
	}

	/* One negotiation at a time: what is wanted meanwhile waits for it, and only the last wish counts. */
	function settleHold(leg) {
		if (live(leg.name) === null || leg.session.isOnHold().local === leg.hold)
			return;
		const done = !down && (leg.hold ? leg.session.hold({ useUpdate: false }) : leg.session.unhold({ useUpdate: false }));

		if (!done)
			setTimeout(settleHold, HOLD_MS, leg);
	}

	const live = (name) => (legs.has(name) && !legs.get(name).dying ? legs.get(name) : null);

	ua.start();
	return Object.freeze({
		sound,
		answer(name) {
			const leg = live(name);

			if (leg === null || leg.asked)
				return;
			leg.asked = true;
			leg.session.answer({ mediaConstraints: { audio: mic === null ? true : { deviceId: { ideal: mic } }, video: false },
			    pcConfig: { iceServers } });
		},
		reject(name, status) {
			const leg = live(name);

			if (leg !== null && leg.session.isInProgress())
				leg.session.terminate({ status_code: status });
		},
		/* Without a socket nobody can be told; then our sound ends now, and the rest is done when it is back. */
		hangUp(name) {
			const leg = live(name);

			if (leg === null)
				return;
			if (ua.isConnected())
				return leg.session.terminate();
			leg.dying = true;
			sound.detach(name);
			for (const sender of leg.session.connection?.getSenders() ?? [])
				sender.track?.stop();
		},
		mute(name, on) {
			const leg = live(name);

			if (leg !== null)
				on ? leg.session.mute({ audio: true }) : leg.session.unmute({ audio: true });
		},
		/* false: not now. */
		hold(name, on) {
			const leg = live(name);

			if (leg === null || !leg.up || !ua.isConnected())
				return false;
			leg.hold = on;
			settleHold(leg);
			return true;
		},
		dtmf(name, tones) {
			const leg = live(name);

			if (leg === null || !leg.up || !ua.isConnected())
				return false;
			leg.session.sendDTMF(tones, { ...DTMF });
			return true;
		},
		async microphone(id) {
			mic = id;
			for (const { session } of legs.values()) {
				const sender = session.connection?.getSenders().find((x) => x.track?.kind === 'audio');

				if (!sender)
					continue;
				const stream = await navigator.mediaDevices.getUserMedia({ audio: id === null ? true : { deviceId: { exact: id } } });
				const [track] = stream.getAudioTracks();

				track.enabled = sender.track.enabled;
				sender.track.stop();
				await sender.replaceTrack(track);
			}
		},
		registered: () => ua.isRegistered(),
		connected: () => ua.isConnected(),
		/* The network is back: no need to wait for the next try. */
		wake: () => { if (!over && !ua.isConnected()) ua.transport.connect(); },
		stop() {
			over = true;
			clearTimeout(again);
			sound.stop();
			ua.stop();
		},
	});
}
