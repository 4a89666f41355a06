/*
 * pages: a host page as strict as they come, opened in the browser, with hooks to look behind the ribbon's doors: its shadow root forced open
 * (unless a test is about that), its sockets and connections within reach, everything it says and fetches written down.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { top, until } from './rig.js';

const { version } = JSON.parse(readFileSync(join(top, 'src/ribbon/package.json'), 'utf8'));
const EVENTS = ['ready', 'incoming', 'connecting', 'connected', 'muted', 'held', 'ended', 'logged', 'error', 'state'];

export const ribbonVersion = version;
export const folder = join(top, 'build/ribbon', version);
export const manifest = () => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));

/* No inline script, no style, no image, no frame: what a bank would send. */
export const strict = (server, sip) => `default-src 'none'; script-src ${server}; connect-src ${server} ${new URL(sip).origin}; style-src 'self'; ` +
	"require-trusted-types-for 'script'; trusted-types ringd-ribbon; base-uri 'none'; form-action 'none'";

export function hostPage({ server, sip, integrity, headers = {}, file }) {
	return { headers: { 'content-security-policy': strict(server, sip), ...headers }, body: () => `<!doctype html><html lang="en"><title>CRM</title>
<link rel="stylesheet" href="/crm.css"><main><h1>Acme CRM</h1><p><a href="tel:+919812345678" data-call="+91 98123 45678" data-call-context="deal 7">Call Meera Nair</a></p>
<p><label>Search <input id="search"></label></p></main>
<script src="${server}/ribbon/${file ?? manifest().main}" integrity="${integrity ?? manifest().files[manifest().main].integrity}" crossorigin="anonymous"></script></html>` };
}

function hooks({ open }) {
	const attach = Element.prototype.attachShadow, Socket = window.WebSocket, Peer = window.RTCPeerConnection;
	const spy = { sockets: [], peers: [], block: false, violations: [] };

	Object.defineProperty(window, 'spy', { value: spy });
	document.addEventListener('securitypolicyviolation', (e) => spy.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`));
	if (open)
		Element.prototype.attachShadow = function (init) { return attach.call(this, { ...init, mode: 'open' }); };
	window.WebSocket = class extends Socket {
		constructor(url, protocols) {
			super(spy.block ? 'ws://127.0.0.1:9/' : url, protocols);
			spy.sockets.push(this);
		}
	};
	window.RTCPeerConnection = class extends Peer {
		constructor(...args) {
			super(...args);
			spy.peers.push(this);
		}
	};
}

/* One page of a context, with the ribbon's script loaded and not yet begun. */
export async function openPage(context, url, { open = true, media } = {}) {
	const page = await context.newPage(), said = [], bodies = [], frames = [], sent = [];

	page.setDefaultTimeout(6000);
	page.on('console', (m) => said.push(`${m.type()}: ${m.text()}`));
	page.on('pageerror', (e) => said.push(`thrown: ${e.stack ?? e}`));
	page.on('response', (r) => { bodies.push(r.body().then((b) => `${r.url()} ${JSON.stringify(r.headers())} ${b.toString('latin1')}`, () => r.url())); });
	page.on('request', (r) => {
		bodies.push(Promise.resolve(`${r.url()} ${r.postData() ?? ''}`));
		if (r.method() === 'POST')
			sent.push({ path: new URL(r.url()).pathname, body: r.postDataJSON() });
	});
	page.on('websocket', (w) => { w.on('framesent', (f) => frames.push(String(f.payload))); w.on('framereceived', (f) => frames.push(String(f.payload))); });
	if (media)
		await page.emulateMedia(media);
	await page.addInitScript(hooks, { open });
	await page.goto(url);
	await page.evaluate((names) => {
		window.told = [];
		for (const n of names)
			window.ExotelCallRibbon?.on(n, (e) => window.told.push({ ...e, error: e.error && { name: e.error.name, code: e.error.code } }));
	}, EVENTS);
	const ribbon = page.getByRole('region', { name: 'Call ribbon' });

	return Object.assign(page, {
		said, bodies, frames, ribbon,
		/* Bodies of what was posted to the route with that last word. */
		posts: (what) => sent.filter((s) => s.path.endsWith(`/${what}`)).map((s) => s.body),
		init: (options) => page.evaluate(async (o) => {
			try {
				window.r = await ExotelCallRibbon.init(o.tokenFrom ? { ...o, agentToken: async () => o.tokenFrom } : o);
				return 'ready';
			} catch (err) {
				return { name: err.name, code: err.code };
			}
		}, options),
		word: () => page.evaluate(() => window.r?.state ?? null),
		be: (w, ms) => until(`the ribbon to be "${w}"`, async () => (await page.evaluate(() => window.r?.state)) === w, ms),
		events: () => page.evaluate(() => window.told.map((e) => e.event).filter((n) => n !== 'state')),
		button: (name) => ribbon.getByRole('button', { name, exact: true }),
		/* What the agent hears: packets and energy of the last connection. */
		heard: () => page.evaluate(async () => {
			for (const s of (await spy.peers.at(-1).getStats()).values())
				if (s.type === 'inbound-rtp' && s.kind === 'audio')
					return { packets: s.packetsReceived, energy: s.totalAudioEnergy };
			return { packets: 0, energy: 0 };
		}),
	});
}

/* Everything a thief with a debugger could look through. */
export async function searched(page, context) {
	const cdp = await context.newCDPSession(page);
	let heap = '';

	cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => { heap += chunk; });
	await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
	await cdp.detach();
	const stored = await page.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML,
		(await indexedDB.databases()).map((d) => d.name), performance.getEntries().map((e) => e.name)]));

	return { heap, stored, said: page.said.join('\n'), fetched: (await Promise.all(page.bodies)).join('\n'), frames: page.frames.join('\n'),
	    cookies: JSON.stringify(await context.cookies()) };
}
