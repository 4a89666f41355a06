/*
 * leader: several tabs, one telephone. The first tab holds a lock and the line; the others show what it says and pass on what is wanted of
 * it. When it goes, the lock goes to the next. What is sent between tabs holds no token and no key.
 */
import { RibbonError } from './fault.js';

const ASK_MS = 20000;

/*
 * name: same for all tabs of one agent at one server. lead(): this tab holds the line now; command(name, arg): promise, asked of the leader.
 * tell(snapshot) and tell of events come to heard(kind, body) in the other tabs. Without locks (a page without https) each tab is its own.
 */
export function createLeader({ name, lead, command, heard, snapshot }) {
	const me = crypto.getRandomValues(new Uint32Array(2)).join('-'), asked = new Map();
	const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : null;
	let leading = false, following = false, release = null, waiting = null, first = null;

	const post = (m) => channel?.postMessage({ ringd: 1, from: me, ...m });

	if (channel !== null)
		channel.onmessage = async ({ data: m }) => {
			if (m?.ringd !== 1 || m.from === me)
				return;
			if (m.kind === 'hello' && leading)
				post({ kind: 'state', body: snapshot() });
			else if (m.kind === 'ask' && leading) {
				let reply;

				try {
					reply = { ok: true, value: await command(m.name, m.arg) };
				} catch (err) {
					reply = { ok: false, code: err?.code ?? 'other', message: String(err?.message ?? err) };
				}
				post({ kind: 'reply', to: m.from, id: m.id, ...reply });
			} else if (m.kind === 'reply' && m.to === me && asked.has(m.id)) {
				const { resolve, reject } = asked.get(m.id);

				asked.delete(m.id);
				m.ok ? resolve(m.value) : reject(new RibbonError(m.code, m.message));
			} else if (!leading && (m.kind === 'state' || m.kind === 'event')) {
				heard(m.kind, m.body);
				if (m.kind === 'state')
					first?.();
			}
		};

	/* Holds the lock until let go of; true when it was free. */
	function take(how) {
		return new Promise((known) => {
			navigator.locks.request(name, how, (lock) => {
				if (lock === null)
					return known(false);
				leading = true;
				following = false;
				known(true);
				return new Promise((done) => { release = done; });
			}).catch(() => known(false));
		});
	}
	async function begin() {
		if (!navigator.locks || channel === null) {
			leading = true;
			return true;
		}
		if (await take({ ifAvailable: true }))
			return true;
		following = true;
		waiting = new AbortController();
		take({ signal: waiting.signal }).then((mine) => { if (mine) lead(); });
		/* The leader says hello back; a frozen one need not keep us waiting. */
		await new Promise((done) => {
			first = done;
			setTimeout(done, 1500);
			post({ kind: 'hello' });
		});
		return false;
	}

	return Object.freeze({
		begin,
		leading: () => leading,
		following: () => following,		/* another tab has the line */
		tell: (kind, body) => { if (leading) post({ kind, body }); },
		ask(what, arg) {
			if (leading)
				return command(what, arg);
			const id = `${me}-${asked.size}-${performance.now()}`;

			return new Promise((resolve, reject) => {
				asked.set(id, { resolve, reject });
				setTimeout(() => { if (asked.delete(id)) reject(new RibbonError('timeout', 'The tab with the telephone does not answer')); }, ASK_MS);
				post({ kind: 'ask', id, name: what, arg });
			});
		},
		leave() {
			waiting?.abort();
			waiting = null;
			release?.();
			release = null;
			leading = following = false;
		},
		close() {
			this.leave();
			channel?.close();
		},
	});
}
