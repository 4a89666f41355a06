/*
 * browser: the ribbon in a real Chromium, registered at a real Kamailio, called by a page that plays Exotel and the customer.
 *
 *	node browser.js [WORD …]	the cases whose names hold one of the words; all without
 *
 * Prints a line a case; exit 1 when one failed. RIBBON_SHOTS names a folder for pictures.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { openDaemon, openMock } from './backend.js';
import { hostPage, manifest, openPage, searched, strict } from './pages.js';
import { cleanUp, freePort, here, servePages, sleep, startBrowser, startSip, top, until } from './rig.js';

/* The real daemon, if somebody started one for us (test_daemon.py); else the mock. */
const daemon = process.env.RIBBON_DAEMON ? JSON.parse(process.env.RIBBON_DAEMON) : null;
const AGENT = daemon?.user ?? 'ashar9f2c', SECRET = daemon?.secret ?? 'canary-sip-secret-4711', DOMAIN = daemon?.domain ?? 'acme1.voip.exotel.test';
const PEER = 'exotel', PEER_SECRET = 'peer-password';
const NUMBER = '+919812345678';
const cases = [];
const test = (name, run) => cases.push({ name, run });
/* What a healthy daemon cannot be made to do, and what needs a real one. RIBBON_ONLY=mock leaves out what a daemon is tried with anyway. */
const onMock = (name, run) => { if (daemon === null) cases.push({ name, run, mock: true }); };
const onDaemon = (name, run) => { if (daemon !== null) test(name, run); };

let sip, back, origin, browser, context, customer, axe;
const pages = {};

/* ---- the stage */
async function setUp() {
	const { build } = createRequire(join(top, 'src/ribbon/package.json'))('esbuild');
	const [{ outputFiles: [script] }, port] = await Promise.all([build({ entryPoints: [join(here, 'customer.js')], bundle: true, write: false, format: 'iife',
	    nodePaths: [join(top, 'src/ribbon/node_modules')] }), daemon?.sipPort ?? freePort()]);

	axe = readFileSync(join(here, 'node_modules/axe-core/axe.min.js'), 'utf8');
	[sip, browser] = await Promise.all([startSip({ port, agent: AGENT, agentSecret: SECRET, peer: PEER, peerSecret: PEER_SECRET }), startBrowser()]);
	back = daemon !== null ? openDaemon(daemon) : await openMock({ sip: { user: AGENT, domain: DOMAIN, server: sip.url }, secret: SECRET });
	Object.assign(pages, {
		'/': hostPage({ server: back.server, sip: sip.url }),
		'/crm.css': { body: readFileSync(join(top, 'etc/examples/crm/crm.css')) },
		'/other': { body: '<!doctype html><html lang="en"><title>Elsewhere</title><h1>Elsewhere</h1></html>' },
		'/customer': { body: '<!doctype html><html lang="en"><title>Customer</title><script src="/customer.js"></script></html>' },
		'/customer.js': { body: script.text },
		'/favicon.ico': { body: '' },
	});
	origin = await servePages(pages, daemon?.pagePort ?? 0);
	await back.allow(origin);
	context = await browser.newContext();
	customer = await (await browser.newContext()).newPage();
	await customer.goto(`${origin}/customer`);
	await customer.evaluate((a) => window.customer.start(a), { server: sip.url, user: PEER, secret: PEER_SECRET, domain: DOMAIN });
}

const invite = (sid, name = '09812345678') => customer.evaluate((a) => window.customer.invite(a), { to: `sip:${AGENT}@${DOMAIN}`, sid, name });
const hears = () => customer.evaluate(() => window.customer.heard());
const sawEnds = () => customer.evaluate(() => window.customer.seen.ended);
const good = (more = {}) => ({ apiKey: back.key, agentToken: back.token(), ...more });

async function ready(options = {}, how = {}) {
	const p = await openPage(how.context ?? context, `${how.origin ?? origin}${how.path ?? '/'}`, how);

	assert.equal(await p.init(good(options)), 'ready');
	await p.be('ready');
	return p;
}

/* From "ready" to "talking"; asks for the call as the step given. */
async function talk(p, how = () => p.evaluate((n) => { r.dial(n, { context: 'deal 7' }); }, NUMBER)) {
	await how();
	const call = await back.nextCall();

	await invite(call.call_sid);
	await p.be('customer_rings');
	await until('the customer’s side to be up', () => customer.evaluate(() => window.customer.established()));
	await back.answered(call);
	await p.be('talking', 5000);
	return call;
}
const hungUp = async (p, n) => { await p.be('ended'); await until('the customer to see the end', async () => (await sawEnds()).length > n); };
const rising = async (look) => { const a = (await look()).energy; await sleep(400); return (await look()).energy - a; };
/* The fake microphone beeps; what is on its way when it stops may still be heard for a moment. */
const heard = (look, what) => until(what, async () => await rising(look) > 1e-4, 4000, 0);
const silent = (look, what) => until(what, async () => await rising(look) < 1e-6, 4000, 0);

/* ---- cases */
test('registers and calls with no password in the page', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await talk(p, () => p.getByText('Call Meera Nair').click());
	assert.deepEqual(p.posts('calls').at(-1), { phone_number: NUMBER, context: 'deal 7' });
	const found = await searched(p, context);

	for (const [where, text] of Object.entries(found)) {
		assert.ok(['cookies', 'said'].includes(where) || text.length > 40, `${where} was looked through`);
		for (const canary of daemon?.canaries ?? [SECRET])
			assert.ok(!text.includes(canary), `${canary} is in ${where}`);
	}
	assert.ok(found.heap.includes(AGENT) && found.frames.includes('Digest username'), 'the search finds what is there');
	for (const where of ['stored', 'said', 'frames', 'cookies'])
		assert.ok(!/rs_[0-9A-Za-z]/.test(found[where]), `the session's token is in ${where}`);
	assert.deepEqual(p.said.filter((s) => !s.startsWith('info:')), []);
	assert.deepEqual(await p.evaluate(() => spy.violations), []);
	await customer.evaluate(() => window.customer.hangUp());
	await hungUp(p, n);
	assert.deepEqual(await p.events(), ['ready', 'connecting', 'connected', 'ended']);
	assert.equal(await p.evaluate(() => told.at(-1).call.reason), 'they_hung_up');
});

test('audio both ways, mute, hold, tones, hang-up by the agent', async () => {
	const p = await ready(), n = (await sawEnds()).length, tones = await customer.evaluate(() => window.customer.seen.tones.length);

	await talk(p);
	await heard(hears, 'the customer hears the agent');
	await heard(() => p.heard(), 'the agent hears the customer');
	await p.button('Mute').click();
	await p.be('muted');
	await sleep(300);
	await silent(hears, 'a muted agent is not heard');
	await heard(() => p.heard(), 'but hears');
	await p.button('Unmute').click();
	await p.be('talking');
	await p.button('Hold').click();
	await p.be('held');
	await until('the customer to be on hold', () => customer.evaluate(() => window.customer.seen.holds.at(-1) === 'hold'));
	await p.button('Resume').click();
	await until('to be resumed', () => customer.evaluate(() => window.customer.seen.holds.at(-1) === 'unhold'));
	await p.be('talking');
	await heard(hears, 'is heard again');
	await p.button('Keypad').click();
	for (const k of ['5', '*', '0', '#'])
		await p.ribbon.getByRole('button', { name: `Key ${k}`, exact: true }).click();
	await until('the tones', async () => (await customer.evaluate(() => window.customer.seen.tones.length)) === tones + 4);
	assert.deepEqual((await customer.evaluate(() => window.customer.seen.tones)).slice(tones), ['5', '*', '0', '#'].map((tone) => ({ tone, duration: 240,
	    type: 'application/dtmf-relay' })));
	assert.deepEqual(p.posts('state'), [{ muted: true }, { muted: false }, { held: true }, { held: false }]);
	await p.button('Hang up').click();
	await hungUp(p, n);
	assert.equal(await p.evaluate(() => r.call.reason), 'you_hung_up');
});

test('disposition and note are saved by the server', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await talk(p);
	await p.button('Hang up').click();
	await hungUp(p, n);
	await p.ribbon.getByLabel('Outcome').selectOption('Reached');
	await p.ribbon.getByLabel('Outcome').selectOption('');
	await p.button('Save').click();
	await until('the note to be asked for', () => p.ribbon.getByLabel('Note', { exact: true }).evaluate((e) => e.matches(':focus')));
	await p.ribbon.getByLabel('Outcome').selectOption('Reached');
	await p.ribbon.getByLabel('Note', { exact: true }).fill(`Wants a quote <b>tomorrow</b> ${'क'.repeat(1270)}`);
	await p.button('Save').click();
	await p.be('ready', 4000);
	assert.deepEqual(p.posts('note'), [{ disposition: 'Reached', note: `Wants a quote <b>tomorrow</b> ${'क'.repeat(1270)}` }]);
	assert.ok((await Promise.all(p.bodies)).some((b) => b.includes('/note ') && b.includes('"disposition":"Reached"')), 'the server has it');
	assert.ok((await p.events()).includes('logged'));
});

test('what is not noted yet waits in the list of recent calls, and a note begun is not lost', async () => {
	const p = await ready(), n = (await sawEnds()).length, more = p.ribbon.getByRole('button', { name: /^Recent calls/ });
	const number = '+919812300077', notes = () => p.ribbon.getByRole('button', { name: /^Note: .91 98123 00077/ }).count();

	await talk(p, () => p.evaluate((to) => { r.dial(to); }, number));
	assert.equal(await more.isVisible(), false);
	await p.button('Hang up').click();
	await hungUp(p, n);
	await p.ribbon.getByLabel('Note', { exact: true }).fill('wants a quo');
	await invite(null);		// in the middle of a word
	await p.be('incoming');
	await p.button('Decline').click();
	await hungUp(p, n + 1);
	await p.ribbon.getByRole('button', { name: /^Recent calls · \d+ without a note$/ }).click();
	await until('the call in the list', async () => (await notes()) === 1);
	await shot(p, 'recent');
	await p.ribbon.getByRole('button', { name: /^Note: .91 98123 00077/ }).click();
	assert.equal(await p.ribbon.getByLabel('Note', { exact: true }).inputValue(), 'wants a quo');
	await p.keyboard.press('End');
	await p.keyboard.type('te');
	await shot(p, 'recent-note');
	await p.button('Save').click();
	await until('the note to be with the call', async () => (await notes()) === 0 && await p.ribbon.getByLabel('Note', { exact: true }).isHidden());
	assert.equal(p.posts('note').at(-1).note, 'wants a quote');
	await talk(p, () => p.ribbon.getByRole('button', { name: /^Call .91 98123 00077/ }).first().click());
	assert.equal(p.posts('calls').at(-1).phone_number, number);
	await p.button('Hang up').click();
	await hungUp(p, n + 2);
	assert.equal(await p.ribbon.getByLabel('Note', { exact: true }).inputValue(), '', 'another call, another note');
	await p.close();
});

test('a stranger’s call rings and is answered only by hand', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await invite(null, 'Unknown <b>caller</b>');
	await p.be('incoming');
	await sleep(1000);
	assert.equal(await customer.evaluate(() => window.customer.established()), false);
	assert.equal(await p.evaluate(() => told.find((e) => e.event === 'incoming').call.direction), 'inbound');
	await p.button('Decline').click();
	await hungUp(p, n);
	assert.equal((await sawEnds()).at(-1).status, 486);
	assert.equal(await p.ribbon.locator('[aria-live=assertive]').textContent(), '', 'or the next one would be no news to a screen reader');
	await invite('sid-of-somebody-else', '09800000009');
	await p.be('incoming');
	await p.button('Answer').click();
	await p.be('talking');
	await heard(hears, 'the agent to be heard');
	await p.button('Mute').click();
	await customer.evaluate(() => window.customer.hangUp());
	await hungUp(p, n + 1);
	await p.ribbon.getByLabel('Outcome').selectOption('Reached');
	await p.button('Save').click();
	await until('the server to have it all', async () => (await p.events()).includes('logged'));
	assert.deepEqual([p.posts('incoming'), p.posts('state'), p.posts('note')], [[{ call_sid: 'sid-of-somebody-else', phone_number: '09800000009' }],
	    [{ muted: true }], [{ disposition: 'Reached' }]]);
	assert.equal(p.posts('end')[0].reason, 'they_hung_up');
});

onMock('an invitation that overtakes the answer to the dial waits for it', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await back.slow(1500, async () => {
		await p.evaluate((num) => { r.dial(num); }, NUMBER);
		await invite((await back.nextCall()).call_sid);
		await sleep(500);
		assert.equal(await p.word(), 'asked');
		assert.equal(await customer.evaluate(() => window.customer.established()), false);
		await p.be('customer_rings', 4000);
	});
	await p.evaluate(() => { r.hangUp(); });
	await hungUp(p, n);
});

test('a lost socket loses no call: it comes back, negotiates anew, and a hang-up arrives', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await talk(p);
	const before = p.frames.filter((f) => f.startsWith('INVITE')).length;

	await p.evaluate(() => spy.sockets.at(-1).close());
	await until('the line to be lost', async () => (await p.evaluate(() => spy.sockets.at(-1).readyState)) > 1);
	await heard(hears, 'sound goes on meanwhile');
	assert.equal(await p.word(), 'talking');
	await until('a new negotiation', () => p.frames.filter((f) => f.startsWith('INVITE')).length > before);
	await until('its end', () => p.frames.filter((f) => f.startsWith('ACK')).length > 0);
	await sleep(200);
	await customer.evaluate(() => window.customer.hangUp());
	await hungUp(p, n);
	assert.equal(await p.evaluate(() => r.call.reason), 'they_hung_up');
});

test('hung up while the socket is gone: silent at once, told when it is back', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await talk(p);
	await p.evaluate(() => { spy.block = true; spy.sockets.at(-1).close(); });
	await until('the line to be lost', async () => (await p.evaluate(() => spy.sockets.at(-1).readyState)) > 1);
	await p.button('Hang up').click();
	await p.be('ended', 500);
	await silent(hears, 'nothing is heard any more');
	await p.evaluate(() => { spy.block = false; });
	await until('the customer to be told', async () => (await sawEnds()).length > n, 12000);
});

test('the server’s word ends a call that no signalling ends', async () => {
	const p = await ready(), n = (await sawEnds()).length, call = await talk(p);

	await back.ended(call);
	await hungUp(p, n);
	assert.equal(await p.evaluate(() => r.call.reason), 'completed');
});

test('a revoked session: the next registration is refused, and people are told', async () => {
	const p = await ready();

	await back.revoked(p, async () => {
		await p.evaluate(() => spy.sockets.at(-1).close());
		await p.be('offline');
		await p.ribbon.getByText('Your administrator ended this session.').waitFor();
	});
	assert.ok((await p.evaluate(() => told.filter((e) => e.event === 'error').map((e) => `${e.error.name} ${e.error.code}`))).includes('SessionError session_revoked'));
});

test('two tabs: one telephone, the other mirrors and commands, and inherits', async () => {
	const own = await browser.newContext(), a = await ready({}, { context: own }), b = await ready({}, { context: own }), n = (await sawEnds()).length;

	assert.equal(await b.evaluate(() => spy.sockets.length), 0, 'the second tab does not register');
	await b.ribbon.getByText('The phone is in another tab').waitFor();
	await talk(b);
	await a.be('talking');
	assert.equal(await a.evaluate(() => told.find((e) => e.event === 'connected').leader), true);
	assert.equal(await b.evaluate(() => told.find((e) => e.event === 'connected').leader), false);
	await b.button('Mute').click();
	await a.be('muted');
	await b.be('muted');
	await b.button('Hang up').click();
	await hungUp(b, n);
	await b.button('Skip').click();
	await b.be('ready');
	await a.close();
	await until('the second tab to register', async () => (await b.evaluate(() => spy.sockets.length)) === 1);
	await b.be('ready');
	await talk(b);
	await b.evaluate(() => { r.hangUp(); });
	await hungUp(b, n + 1);
	await own.close();
});

test('no microphone: four causes, each by its name', async () => {
	const [plain, none] = await Promise.all([startBrowser(['--use-fake-ui-for-media-stream']),
	    startBrowser(['--use-fake-device-for-media-stream'], ['--host-resolver-rules=MAP crm.test 127.0.0.1'])]);
	const fault = async (b, url, frame) => {
		const p = await openPage(await b.newContext(), url), at = frame ? p.frames()[1] : p;

		return p.init(good());
	};
	const port = new URL(origin).port;

	pages['/forbids'] = hostPage({ server: back.server, sip: sip.url, headers: { 'permissions-policy': 'microphone=()' } });
	const refused = await openPage(await plain.newContext(), origin);

	/* Asked and not answered yet: the ribbon says where to look. */
	await refused.evaluate(() => {
		const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);

		navigator.mediaDevices.getUserMedia = async (what) => { await new Promise((done) => setTimeout(done, 1500)); return ask(what); };
	});
	const asked = refused.init(good());

	await refused.ribbon.getByText('Your browser asks whether').waitFor();
	assert.deepEqual(await asked, { name: 'MicrophoneError', code: 'microphone_refused' });
	await refused.ribbon.getByText('The microphone is blocked.').waitFor();
	await refused.ribbon.getByRole('heading', { name: 'Offline' }).waitFor();
	await shot(refused, 'microphone');
	assert.equal(await refused.evaluate(() => spy.sockets.length), 0, 'nothing is registered that could not be answered');
	await refused.context().grantPermissions(['microphone']);
	await refused.button('Try again').click();
	await until('the second try', async () => (await refused.events()).includes('ready'));
	assert.deepEqual(await fault(none, origin), { name: 'MicrophoneError', code: 'microphone_missing' });
	assert.deepEqual(await fault(browser, `${origin}/forbids`), { name: 'MicrophoneError', code: 'microphone_policy' });
	await back.allow(`http://crm.test:${port}`);
	assert.deepEqual(await fault(none, `http://crm.test:${port}/`), { name: 'MicrophoneError', code: 'microphone_insecure' });
	pages['/framing'] = { body: `<!doctype html><html lang="en"><title>Frame</title><iframe src="http://localhost:${port}/" title="crm"></iframe></html>` };
	await back.allow(`http://localhost:${port}`);
	const p = await (await browser.newContext()).newPage();

	await p.goto(`${origin}/framing`);
	const frame = await until('the frame', () => p.frames().find((f) => f.url().includes('localhost')));

	await until('its script', () => frame.evaluate(() => 'ExotelCallRibbon' in window));
	assert.equal(await frame.evaluate((o) => ExotelCallRibbon.init(o).then(() => 'ready', (e) => e.code), good()), 'microphone_frame');
	await Promise.all([plain.close(), none.close(), p.close()]);
});

test('strict CSP with digests: the right one runs, a wrong one does not, the root stays closed', async () => {
	const p = await ready({}, { open: false });
	const host = await p.evaluate(() => {
		const el = [...document.body.children].at(-1);

		return { tag: el.tagName, root: el.shadowRoot, styles: document.querySelectorAll('style, [style]').length, kids: el.childNodes.length };
	});

	assert.deepEqual(host, { tag: 'EXOTEL-CALL-RIBBON', root: null, styles: 0, kids: 0 });
	assert.deepEqual(await p.evaluate(() => spy.violations), []);
	await p.evaluate(() => { document.body = document.createElement('body'); });
	await until('it to come back into a new body', () => p.evaluate(() => document.querySelectorAll('exotel-call-ribbon').length === 1));
	await shot(p, 'strict');
	const m = manifest(), second = Object.keys(m.files).find((f) => f.includes('webrtc'));

	assert.ok(readFileSync(join(top, 'build/ribbon', m.version, m.main), 'utf8').includes(m.files[second].integrity), 'the first file pins the second');
	pages['/tampered'] = hostPage({ server: back.server, sip: sip.url, integrity: m.files[second].integrity });
	const q = await openPage(context, `${origin}/tampered`);

	assert.equal(await q.evaluate(() => 'ExotelCallRibbon' in window), false);
	assert.ok(q.said.some((s) => s.includes('integrity')));
	await q.close();
});

test('a call by keyboard alone, focus always to be seen', async () => {
	const p = await ready(), n = (await sawEnds()).length;
	const focus = () => p.evaluate(() => {
		let el = document.activeElement;

		while (el?.shadowRoot?.activeElement)
			el = el.shadowRoot.activeElement;
		const s = getComputedStyle(el);

		return { name: el.getAttribute('aria-label') ?? el.textContent, outline: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 };
	});
	const tabTo = async (name) => {
		for (let i = 0; i < 20; i++) {
			const f = await focus();

			if (f.name === name) {
				assert.ok(f.outline, `the focus on "${name}" is to be seen`);
				return;
			}
			await p.keyboard.press('Tab');
		}
		assert.fail(`no way by Tab to "${name}"`);
	};

	await p.keyboard.press('Alt+Shift+P');
	await tabTo('Number to call');
	await p.keyboard.type('12');
	await p.keyboard.press('Enter');
	assert.equal(await p.ribbon.getByLabel('Number to call').getAttribute('aria-invalid'), 'true');
	await p.keyboard.press('Control+A');
	await talk(p, async () => { await p.keyboard.type('+91 98123 45678'); await p.keyboard.press('Enter'); });
	assert.equal((await focus()).name, 'Hang up', 'the focus does not get lost when what had it goes');
	await p.keyboard.press('7');
	await until('the tone', () => customer.evaluate(() => window.customer.seen.tones.at(-1)?.tone === '7'));
	await p.keyboard.press('Shift+Tab');
	await p.keyboard.press('Shift+Tab');
	assert.equal((await focus()).name, 'Hold');
	await p.keyboard.press('Space');
	await p.be('held');
	await p.keyboard.press('Alt+Shift+O');
	await p.be('talking');
	await p.keyboard.press('Alt+Shift+M');
	await p.be('muted');
	await p.evaluate(() => document.getElementById('search').focus());
	await p.keyboard.press('Alt+Shift+M');
	await sleep(100);
	assert.equal(await p.word(), 'muted', 'no shortcut where somebody writes');
	await p.evaluate(() => document.activeElement.dispatchEvent(new Event('keydown', { bubbles: true })));		// as a form that fills itself in does
	await p.evaluate(() => document.activeElement.blur());
	await p.keyboard.press('Alt+Shift+H');
	await hungUp(p, n);
	await p.keyboard.press('Alt+Shift+P');
	await tabTo('Skip');
	await p.keyboard.press('Enter');
	await p.be('ready');
	await invite(null);
	await p.be('incoming');
	await p.keyboard.press('Alt+Shift+A');
	await p.be('talking');
	await p.keyboard.press('Alt+Shift+H');
	await hungUp(p, n + 1);
});

onMock('no shortcut where somebody writes, be it behind the closed root', async () => {
	const p = await ready({ shortcuts: { focus: 'Ctrl+Shift+Y', mute: null } }, { open: false }), n = (await sawEnds()).length;
	const press = async (keys) => { await p.keyboard.press(keys); await sleep(100); };
	const inside = () => p.evaluate(() => document.activeElement.tagName);

	await press('Alt+Shift+P');
	assert.equal(await inside(), 'BODY', 'another key was wanted for that');
	await press('Control+Shift+Y');
	assert.equal(await inside(), 'EXOTEL-CALL-RIBBON');
	await p.keyboard.type('98');
	await invite(null);
	await p.be('incoming');
	await press('Enter');		// was meant for the number
	assert.equal(await p.word(), 'incoming', 'who was writing has not answered');
	await press('Alt+Shift+A');
	await p.be('talking');
	await press('Alt+Shift+M');
	assert.equal(await p.word(), 'talking', 'that one was not wanted');
	await p.evaluate(() => { r.focus(); });
	for (let i = 0; i < 5; i++)
		await press('Shift+Tab');
	await press('Enter');		// the settings
	for (let i = 0; i < 6; i++)
		await press('Tab');
	await press('Alt+Shift+H');
	assert.equal(await p.word(), 'talking', 'a field of the ribbon is a field too');
	await p.evaluate(() => {
		customElements.define('x-field', class extends HTMLElement { static formAssociated = true; });
		document.body.append(Object.assign(document.createElement('x-field'), { tabIndex: 0 }));
		document.querySelector('x-field').focus();
	});
	await press('Alt+Shift+H');
	assert.equal(await p.word(), 'talking', 'and so is one that hides what it is');
	await p.evaluate(() => document.activeElement.blur());
	await press('Alt+Shift+H');
	await hungUp(p, n);
	await p.close();
});

test('axe finds nothing, in light and in dark, in any state', async () => {
	for (const colorScheme of ['light', 'dark']) {
		const p = await ready({}, { media: { colorScheme, reducedMotion: 'reduce' } }), n = (await sawEnds()).length;
		const look = async (state) => {
			/* The same markup in the dark: only its colours are news. */
			const found = await p.evaluate(async ([source, rules]) => {
				if (!window.axe)
					(0, eval)(source);		// by the debugger, which no policy binds
				return (await window.axe.run(document, { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) })).violations.map((v) => `${v.id}: ${v.nodes.map((x) => x.target.join(' ') + ' ' + (x.any[0]?.message ?? '')).join('; ')}`);
			}, [axe, colorScheme === 'dark' ? ['color-contrast'] : null]).catch((err) => [String(err)]);

			assert.deepEqual(found, [], `${colorScheme}, ${state}`);
			await shot(p, `${state}-${colorScheme}`);
		};

		await look('ready');
		await p.button('Keypad').click();
		await p.button('Settings').click();
		await p.ribbon.getByLabel('Microphone').waitFor();
		await look('open');
		await p.button('Settings').click();
		await invite(null, '09812345678');
		await p.be('incoming');
		await look('incoming');
		assert.equal(await p.ribbon.locator('.bar .dot').evaluate((e) => getComputedStyle(e).animationName), 'none', 'nothing moves where that is asked for');
		await p.button('Decline').click();
		await hungUp(p, n);
		await look('declined');
		await talk(p);
		await look('talking');
		await p.button('Mute').click();
		await p.button('Keypad').click();
		await p.be('muted');
		await look('muted');
		await p.button('Minimise').click();
		await look('pill');
		await p.ribbon.getByRole('button', { name: /^Open/ }).click();
		await p.button('Hang up').click();
		await hungUp(p, n + 1);
		await look('ended');
		await p.button('Skip').click();
		await p.ribbon.getByRole('button', { name: /^Recent calls/ }).click();
		await p.ribbon.getByRole('button', { name: /^Note: / }).first().waitFor();
		await look('recent');
		await p.ribbon.getByRole('button', { name: /^Note: / }).first().click();
		await look('note');
		await p.close();
	}
});

test('callback mode: no second file, no microphone, the server says it all', async () => {
	await back.mode('callback', async () => {
		const p = await ready();

		assert.ok(!(await Promise.all(p.bodies)).some((b) => b.split(' ')[0].includes('webrtc')));
		await p.ribbon.getByLabel('Number to call').fill('00919812345678');
		await p.button('Call').click();
		await p.be('phone_rings');
		const call = await back.nextCall();

		assert.equal(await p.button('Mute').isVisible(), false);
		await shot(p, 'callback');
		await back.answered(call);
		await p.be('talking', 5000);
		await back.ended(call);
		await p.be('ended', 5000);
		assert.equal(await p.evaluate(() => spy.sockets.length + spy.peers.length), 0);
		await p.close();
	});
});

test('init fails with a name for each cause', async () => {
	const p = await openPage(context, origin), fails = async (options, how = (run) => run()) => how(() => p.init(options));

	for (const [options, name, code] of [
		[{ agentToken: back.token() }, 'BadKeyError', 'missing_api_key'],
		[good({ apiKey: 'web_00000000000000000000000000000000000000000000' }), 'BadKeyError', 'invalid_api_key'],
		[{ apiKey: back.key }, 'AgentError', 'invalid_agent_token'],
		[good({ agentToken: 'not a token' }), 'AgentError', 'invalid_agent_token'],
		[good({ server: 'http://127.0.0.1:9' }), 'NetworkError', 'network'],
	]) {
		assert.deepEqual(await fails(options), { name, code });
		await p.evaluate(() => document.querySelectorAll('exotel-call-ribbon').length).then((n) => assert.ok(n <= 1, 'one ribbon a page'));
	}
	for (const [status, code, name] of [[429, 'limit_reached', 'LimitError'], [403, 'account_inactive', 'InactiveError'], [403, 'agent_unknown', 'AgentError']])
		if (back.mock)
			await back.initFails([status, code], async () => assert.deepEqual(await fails(good()), { name, code }));
	const elsewhere = await servePages(pages);

	assert.deepEqual(await (await openPage(context, elsewhere)).init(good()), { name: 'OriginError', code: 'origin_not_allowed' });
	assert.equal(await p.init(good()), 'ready', 'after a fault it can be begun anew');
	await p.close();
});

test('registered anew after a rest in the cache for back and forward, and when the network comes back', async () => {
	const p = await ready();

	await p.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
	await until('the line to be given up', () => p.evaluate(() => spy.sockets.every((s) => s.readyState > 1)));
	await p.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
	await until('a new line', () => p.evaluate(() => spy.sockets.at(-1).readyState === 1));
	await until('it to be ready again', async () => (await p.events()).filter((e) => e === 'ready').length === 2);
	await p.be('ready');
	const n = await p.evaluate(() => { dispatchEvent(new Event('online')); return spy.sockets.length; });

	await until('another socket', () => p.evaluate((k) => spy.sockets.length >= k && spy.sockets.at(-1).readyState === 1, n));
	await until('it to be ready once more', async () => (await p.events()).filter((e) => e === 'ready').length === 3);
	assert.equal(await p.evaluate(() => spy.sockets.filter((s) => s.readyState < 2).length), 1, 'the old one is closed');
	await p.close();
});

test('warns before the page is left in a call, and only then', async () => {
	const p = await ready(), asked = [], n = (await sawEnds()).length;

	p.on('dialog', (d) => { asked.push(d.type()); d.dismiss(); });
	await talk(p, () => p.getByText('Call Meera Nair').click());
	await sleep(600);
	await p.close({ runBeforeUnload: true });
	await until('the question', () => asked.length === 1);
	assert.deepEqual(asked, ['beforeunload']);
	await p.button('Hang up').click();
	await hungUp(p, n);
	await sleep(600);
	await Promise.all([p.waitForEvent('close'), p.close({ runBeforeUnload: true })]);
	assert.equal(asked.length, 1);
});

test('the pill keeps its place and the time, and nothing else is kept', async () => {
	const own = await browser.newContext(), p = await ready({}, { context: own }), n = (await sawEnds()).length;

	await talk(p);
	await p.button('Minimise').click();
	await until('the timer', async () => /0\d:\d\d/.test(await p.ribbon.innerText()));
	await p.ribbon.getByRole('button', { name: /^Open/ }).click();
	await p.button('Settings').click();
	await p.ribbon.getByLabel('Place').selectOption('top-left');
	const box = await p.ribbon.boundingBox();

	assert.ok(box.x < 40 && box.y < 40);
	await p.button('Minimise').click();
	await customer.evaluate(() => window.customer.hangUp());
	await hungUp(p, n);
	assert.deepEqual(Object.keys(JSON.parse(await p.evaluate(() => localStorage.getItem('ringd-ribbon')))).sort(), ['place', 'small']);
	assert.equal(await p.evaluate(() => localStorage.length + sessionStorage.length), 1);
	await p.close();
	const q = await ready({}, { context: own });

	assert.ok(await q.ribbon.getByRole('button', { name: /^Open/ }).isVisible());
	await own.close();
});

onMock('volume and devices: chosen once, kept, and heeded by voice and ringing', async () => {
	const own = await browser.newContext({ permissions: ['microphone'] });
	const listen = (p) => p.evaluate(() => {
		const Player = window.Audio, Context = window.AudioContext;

		window.Audio = function () { return (window.player = new Player()); };
		window.rang = [];
		window.AudioContext = class extends Context { setSinkId(id) { window.rang.push(id); return super.setSinkId(id); } };
	});
	const p = await ready({}, { context: own });

	await p.button('Settings').click();
	await p.ribbon.getByLabel('Ring on').selectOption({ index: 1 });
	await p.ribbon.getByLabel('Volume').fill('40');
	const wanted = await p.ribbon.getByLabel('Ring on').inputValue();

	assert.ok(wanted.length > 3);
	await shot(p, 'settings');
	await p.close();
	const q = await ready({}, { context: own }), n = (await sawEnds()).length;

	await listen(q);
	await invite(null);
	await q.be('incoming');
	assert.deepEqual(await q.evaluate(() => rang), [wanted]);
	await q.button('Answer').click();
	await q.be('talking');
	assert.equal(await q.evaluate(() => player.volume), 0.4);
	await q.button('Settings').click();
	await q.ribbon.getByLabel('Volume').fill('80');
	assert.equal(await q.evaluate(() => player.volume), 0.8);
	await q.button('Hang up').click();
	await hungUp(q, n);
	await own.close();
});

onMock('on a small window, and one enlarged four times, all can be reached', async () => {
	const own = await browser.newContext(), p = await ready({}, { context: own }), n = (await sawEnds()).length;
	const look = async (state) => {
		for (const [width, height] of [[360, 640], [320, 256], [1280, 800]]) {
			await p.setViewportSize({ width, height });
			const cut = await p.ribbon.evaluate((root, [w, high]) => {
				const box = root.getBoundingClientRect(), bar = root.querySelector('.bar:not([hidden])');

				return [...(box.left < 0 || box.right > w || box.top < 0 || box.bottom > high ? ['the window'] : []),
				    ...(bar && bar.scrollWidth > bar.clientWidth ? ['the bar'] : []),
				    ...[...root.querySelectorAll('button, h2, .time')].filter((e) => e.getClientRects().length > 0 && e.scrollWidth > e.clientWidth + 1)
				        .map((e) => e.textContent)];
			}, [width, height]);

			assert.deepEqual(cut, [], `${state} at ${width} × ${height}`);
			await shot(p, `${state}-${width}`);
		}
	};

	await p.button('Keypad').click();
	await p.button('Settings').click();
	await look('dial');
	await p.button('Settings').click();
	await talk(p);
	await p.button('Hold').click();
	await p.be('held');
	await look('held');
	await p.button('Hang up').click();
	await hungUp(p, n);
	await look('wrap');
	await p.button('Skip').click();
	await p.ribbon.getByRole('button', { name: /^Recent calls/ }).click();
	await look('list');
	await p.button('Minimise').click();
	await look('small');
	await own.close();
});

onMock('a registrar without qop', async () => {
	const port = await freePort(), old = await startSip({ port, agent: AGENT, agentSecret: SECRET, peer: PEER, peerSecret: PEER_SECRET, qop: 'none' });

	await back.sip({ server: old.url }, async () => {
		pages['/old'] = hostPage({ server: back.server, sip: old.url });
		const p = await ready({}, { path: '/old' });
		const sent = p.frames.findLast((f) => f.startsWith('REGISTER'));

		assert.ok(/^Authorization: Digest /m.test(sent) && !/qop=/.test(sent));
		await p.close();
	});
	await old.stop();
});

onDaemon('the example of a CRM, and its server', async () => {
	const p = await openPage(context, daemon.example), n = (await sawEnds()).length;
	const log = (text) => p.getByText(text).first().waitFor();

	await log('ready');
	assert.deepEqual(await p.evaluate(() => spy.violations), []);
	await p.getByRole('link', { name: '+91 98111 12222' }).click();
	await invite((await back.nextCall()).call_sid);
	await log('dials: outbound, +919811112222, deal D-1043');
	await p.ribbon.getByRole('heading', { name: 'Customer’s phone rings' }).waitFor();
	await shot(p, 'crm');
	await p.button('Hang up').click();
	await until('the end', async () => (await sawEnds()).length > n);
	await log('ended: outbound, +919811112222, deal D-1043, you_hung_up');
	await p.ribbon.getByLabel('Note', { exact: true }).fill('Sent the price list');
	await p.button('Save').click();
	await log('noted: outbound, +919811112222');
});

test('one ribbon a page: in the host’s element, in the host’s words, gone when destroyed', async () => {
	const p = await openPage(context, origin);
	const got = await p.evaluate(async (o) => {
		const early = await ExotelCallRibbon.dial('+919812345678').catch((err) => err.code), heard = [], one = () => heard.push(1);
		const box = document.createElement('div');

		box.id = 'here';
		document.querySelector('main').append(box);
		ExotelCallRibbon.on('ready', one);
		ExotelCallRibbon.off('ready', one);
		const [a, b] = await Promise.all([ExotelCallRibbon.init({ ...o, mount: '#here', words: { state: { ready: 'Bereit' } }, shortcuts: false }),
		    ExotelCallRibbon.init(o)]);
		let wrong = null;

		window.r = a;
		try { a.on('nothing', () => {}); } catch (err) { wrong = err.name; }
		return { early, same: a === b, heard: heard.length, wrong, frozen: Object.isFrozen(a), inside: box.children.length,
		    bad: await a.dial('12').catch((err) => err.code), token: JSON.stringify(Object.values(a)).includes('rs_') };
	}, good());

	assert.deepEqual(got, { early: 'not_ready', same: true, heard: 0, wrong: 'TypeError', frozen: true, inside: 1, bad: 'invalid_phone_number', token: false });
	await p.ribbon.getByRole('heading', { name: 'Bereit' }).waitFor();
	assert.equal(await p.button('Minimise').isVisible(), false);
	await shot(p, 'mounted');
	await p.evaluate(() => { document.querySelector('[data-call]').dataset.call = 'nonsense'; });
	await p.getByText('Call Meera Nair').click();
	await p.ribbon.getByText('This is not a whole number').waitFor();
	await p.evaluate(() => { r.destroy(); });
	assert.equal(await p.ribbon.count(), 0);
	await until('the session to be ended', () => p.posts('end').length === 1);
	assert.equal(await p.init(good()), 'ready');
	await p.close();
});

onMock('a dial that is refused says why, and keeps the number', async () => {
	const p = await ready();

	await back.dialFails([429, 'limit_reached'], async () => {
		await p.ribbon.getByLabel('Number to call').fill('+91 98123 45678');
		await p.ribbon.getByLabel('Number to call').press('Enter');
		await p.be('ended');
		await p.ribbon.getByText(/^.91 98123 45678\sThis month’s calls are used up\.$/).waitFor();
		assert.equal(await p.ribbon.getByLabel('Number to call').inputValue(), NUMBER);
		await shot(p, 'limit');
		assert.deepEqual(await p.evaluate(() => told.filter((x) => x.event === 'error').map((e) => ({ ...e.error, state: e.state }))), [{ name: 'LimitError',
		    code: 'limit_reached', state: 'ended' }]);
	});
	assert.equal(await p.evaluate(() => r.dial('+919812345678').then(() => 'placed')), 'placed', 'the next one may be placed');
	await p.evaluate(() => { r.hangUp(); });
	await p.close();
});

/* The debugger's own looking counts as a touch: so nobody looks before it has rung. */
onMock('a page that may make no sound says so, and a touch helps', async () => {
	const b = await startBrowser(['--autoplay-policy=no-user-gesture-required']), p = await b.newPage();

	await p.addInitScript((o) => addEventListener('load', () => { ExotelCallRibbon.init(o); }), good());
	await p.addInitScript(() => { const attach = Element.prototype.attachShadow; Element.prototype.attachShadow = function (i) { return attach.call(this, { ...i, mode: 'open' }); }; });
	const seen = new Promise((done) => p.on('websocket', (w) => w.on('framereceived', (f) => { if (/^SIP\/2.0 200 OK[^]*CSeq: \d+ REGISTER/.test(f.payload)) done(); })));

	await p.goto(origin);
	await seen;
	await invite(null);
	await sleep(1200);
	await p.getByRole('button', { name: 'Switch the sound on' }).click();
	await p.getByRole('button', { name: 'Switch the sound on' }).waitFor({ state: 'hidden' });
	await p.getByRole('button', { name: 'Decline' }).click();
	await b.close();
});

onMock('what may pass by itself is tried again by itself', async () => {
	const p = await openPage(context, origin);

	await back.initFails([503, 'courier_unavailable'], async () => assert.deepEqual(await p.init(good()), { name: 'RibbonError', code: 'courier_unavailable' }));
	await until('it to have begun all the same', async () => (await p.events()).includes('ready'));
	await p.close();
});

onMock('a telephone part that does not load the first time is loaded the second', async () => {
	const p = await openPage(context, origin);

	await p.route(/ribbon-webrtc/, (route) => route.abort(), { times: 1 });
	assert.deepEqual(await p.init(good()), { name: 'NetworkError', code: 'network' });
	await until('it to have begun all the same', async () => (await p.events()).includes('ready'));
	assert.deepEqual(await p.evaluate(() => spy.violations), []);
	await p.close();
});

onMock('a session that ends while they talk ends no call', async () => {
	const p = await ready(), n = (await sawEnds()).length;

	await talk(p);
	await back.revoked(p, async () => {
		await p.evaluate((id) => r.note({ id, note: 'x' }).catch(() => {}), await p.evaluate(() => r.call.id));
		await p.ribbon.getByText('Your administrator ended this session.').waitFor();
		assert.equal(await p.word(), 'talking');
		await heard(hears, 'the agent is still heard');
		await p.button('Mute').click();
		await p.be('muted');
		await p.button('Hang up').click();
		await hungUp(p, n);
	});
	await p.close();
});

onMock('a session grown too old is followed by another, unseen', async () => {
	const p = await openPage(context, origin);

	assert.equal(await p.init(good({ tokenFrom: back.token(), agentToken: undefined })), 'ready');
	await back.forgetSessions();
	assert.equal(await p.evaluate(() => r.dial('+919812345678').then(() => 'placed', (err) => err.code)), 'placed');
	assert.equal(p.posts('init').length, 2);
	assert.deepEqual((await p.events()).filter((e) => e === 'error'), []);
	await p.evaluate(() => { r.hangUp(); });
	await p.close();
});

onMock('session renewed ahead of its end', async () => {
	await back.renewing(300, async () => {
		const p = await ready(), first = back.renewals();

		await until('renewals', () => back.renewals() >= first + 2);
		await p.close();
	});
});

/* ---- */
async function shot(p, name) {
	if (process.env.RIBBON_SHOTS)
		await p.screenshot({ path: join(process.env.RIBBON_SHOTS, `${name}.png`) });
}

async function run(words) {
	const chosen = cases.filter(({ mock }) => mock || process.env.RIBBON_ONLY !== 'mock').filter(({ name }) => words.length === 0 || words.some((w) => name.includes(w)));
	let failed = 0;
	const begun = Date.now();

	await setUp();
	for (const { name, run: go } of chosen) {
		const t = Date.now();

		try {
			await Promise.race([go(), sleep(30000).then(() => { throw new Error('took longer than 30 s'); })]);
			console.log(`ok    ${((Date.now() - t) / 1000).toFixed(1)} s  ${name}`);
		} catch (err) {
			failed++;
			console.log(`FAIL  ${((Date.now() - t) / 1000).toFixed(1)} s  ${name}\n      ${String(err.stack).replace(/\n/g, '\n      ')}`);
			for (const c of browser.contexts())
				for (const p of c.pages())
					if (p.said)
						console.log(`      page said: ${p.said.slice(-6).join(' | ')}; told: ${JSON.stringify(await p.evaluate(() => window.told?.map((e) => `${e.event} ${e.state}${e.error ? ` ${e.error.code}` : ''}`)).catch(() => null))}`);
		}
		/* Whatever a case left behind is gone before the next. */
		await customer.evaluate(() => window.customer.hangUp()).catch(() => {});
		for (const c of browser.contexts())
			for (const p of c.pages())
				if (p !== customer)
					await p.close().catch(() => {});
		await back.forget();
	}
	console.log(`${chosen.length - failed} of ${chosen.length} cases passed in ${((Date.now() - begun) / 1000).toFixed(0)} s`);
	return failed === 0 && (chosen.length > 0 || process.env.RIBBON_ONLY === 'mock') ? 0 : 1;
}

process.stdout.on('error', () => {});		// whoever read it has gone; what was started is still to be ended
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => cleanUp().finally(() => process.exit(1)));
let code = 1;

try {
	code = await run(process.argv.slice(2));
} catch (err) {
	console.error(err);
} finally {
	await cleanUp();
}
process.exit(code);
