/*
 * backend: what the browser's tests ask of the server's side, whichever it is: the mock here, or the real daemon with its simulator.
 */
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
		dialled: () => m.asked,
		told: (what) => until('the server to be told', () => what(m.states)),
		lastNote: async () => m.notes.at(-1),
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
