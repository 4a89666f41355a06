/*
 * demo: the other end of the line for ./quickstart: a SIP server that stands for Exotel's, and a customer who answers every call and hangs up
 * after a while. Runs until it is told to stop.
 *
 *	node demo.js '{"sim": URL, "hook": URL, "sipPort": N, "domain": …, "user": …, "secret": …}'
 *	node demo.js --try PAGE PICTURE		opens the page, calls the first customer in it, takes a picture of the talk, hangs up
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { cleanUp, here, servePages, sleep, startBrowser, startSip, top, until } from './rig.js';

const PEER = 'exotel', PEER_SECRET = 'demo-peer', RINGS_MS = 1500, TALKS_MS = 60000;

async function serve(d) {
	const { build } = createRequire(join(top, 'src/ribbon/package.json'))('esbuild');
	const { outputFiles: [script] } = await build({ entryPoints: [join(here, 'customer.js')], bundle: true, write: false, format: 'iife',
	    nodePaths: [join(top, 'src/ribbon/node_modules')] });
	const sip = await startSip({ port: d.sipPort, agent: d.user, agentSecret: d.secret, peer: PEER, peerSecret: PEER_SECRET });
	const origin = await servePages({ '/': { body: '<!doctype html><html lang="en"><title>Customer</title><script src="/c.js"></script></html>' }, '/c.js': { body: script.text } });
	const page = await (await startBrowser()).newPage();
	const talks = () => page.evaluate(() => window.customer.established());
	const tell = (path, body) => fetch(d.sim + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

	await page.goto(origin);
	await page.evaluate((a) => window.customer.start(a), { server: sip.url, user: PEER, secret: PEER_SECRET, domain: d.domain });
	console.log('a customer waits for calls');
	for (;;) {
		const call = await fetch(`${d.sim}/sim/next-call?wait_ms=5000`).then((a) => (a.status === 200 ? a.json() : null), () => sleep(1000));

		if (call)
			await play(call).catch((err) => console.error(String(err)));
	}

	async function play(call) {
		await page.evaluate((a) => window.customer.invite(a), { to: `sip:${call.sip_user}@${d.domain}`, sid: call.call_sid, name: call.to });
		await until('the agent', talks, 15000);
		await sleep(RINGS_MS);
		await tell('/_sim/fire', { call_sid: call.call_sid, event: 'answered', status: 'in-progress', how: 'json', url: d.hook });
		for (let t = 0; t < TALKS_MS && await talks(); t += 250)
			await sleep(250);
		await page.evaluate(() => window.customer.hangUp());
		await tell('/_sim/end', { call_sid: call.call_sid, status: 'completed' });
	}
}

async function once(url, picture) {
	const page = await (await startBrowser()).newPage({ viewport: { width: 1100, height: 640 } }), log = page.getByRole('list');

	page.setDefaultTimeout(20000);
	await page.goto(url);
	await log.getByText('ready').waitFor();
	await page.locator('[data-call]').first().click();
	await log.getByText('talks:').waitFor();
	await sleep(1500);
	await page.screenshot({ path: picture });
	await page.keyboard.press('Alt+Shift+H');
	await log.getByText('ended:').waitFor();
	console.log((await log.innerText()).split('\n').reverse().join('\n'));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => cleanUp().finally(() => process.exit(0)));
let code = 0;

try {
	await (process.argv[2] === '--try' ? once(process.argv[3], process.argv[4]) : serve(JSON.parse(process.argv[2])));
} catch (err) {
	console.error(String(err));
	code = 1;
} finally {
	await cleanUp();
}
process.exit(code);
