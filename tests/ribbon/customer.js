/*
 * customer: plays Exotel's telephone side and the customer at once. Asks the simulator which call Exotel was told to place, and invites the
 * agent's line with that call's CallSid, as Exotel does. Bundled with JsSIP as it is, password and all.
 */
import JsSIP from 'jssip';

const seen = { calls: [], tones: [], ended: [], holds: [] };
let ua = null, session = null, player = null;

window.customer = {
	seen,
	start({ server, user, secret, domain }) {
		return new Promise((resolve, reject) => {
			ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri: `sip:${user}@${domain}`, password: secret, register: true, session_timers: false,
			    connection_recovery_min_interval: 1, connection_recovery_max_interval: 2 });
			ua.on('registered', resolve);
			ua.on('registrationFailed', (e) => reject(new Error(e.cause)));
			ua.start();
		});
	},
	invite({ to, sid, name }) {
		session = ua.call(to, { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] }, extraHeaders: sid ? [`X-Exotel-Callsid: ${sid}`] : [],
		    fromDisplayName: name, fromUserName: undefined });
		const mine = session;

		seen.calls.push(sid ?? null);
		session.on('newInfo', () => {});
		session.on('newDTMF', (e) => { if (e.originator === 'remote') seen.tones.push({ tone: e.dtmf.tone, duration: e.dtmf.duration, type: e.request.getHeader('Content-Type') }); });
		session.on('hold', (e) => { if (e.originator === 'remote') seen.holds.push('hold'); });
		session.on('unhold', (e) => { if (e.originator === 'remote') seen.holds.push('unhold'); });
		for (const name of ['ended', 'failed'])
			session.on(name, (e) => { seen.ended.push({ by: e.originator, cause: e.cause, status: e.message?.status_code ?? null }); if (session === mine) session = null; });
		session.connection.addEventListener('track', (e) => {
			player = new Audio();
			player.srcObject = e.streams[0];
			player.play();
		});
	},
	hangUp: () => session?.terminate(),
	established: () => session?.isEstablished() ?? false,
	/* What has been heard so far: packets, lost, energy. */
	async heard() {
		const all = await session.connection.getStats();

		for (const s of all.values())
			if (s.type === 'inbound-rtp' && s.kind === 'audio')
				return { packets: s.packetsReceived, lost: s.packetsLost, energy: s.totalAudioEnergy };
		return { packets: 0, lost: 0, energy: 0 };
	},
};
