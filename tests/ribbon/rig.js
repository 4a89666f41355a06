/*
 * rig: what the tests in a browser stand on: a SIP server, a web server for the pages, a browser. All on loopback, on ports of their own,
 * in one temporary folder; all ended by their process ids, whatever happened.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export const here = dirname(fileURLToPath(import.meta.url));
export const top = join(here, '../..');
export const work = mkdtempSync(join(tmpdir(), 'ringd-ribbon.'));
const closers = [];

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const last = (closer) => closers.push(closer);

export async function until(what, condition, ms = 8000, every = 25) {
	const end = Date.now() + ms;

	for (;;) {
		const value = await condition();

		if (value)
			return value;
		if (Date.now() > end)
			throw new Error(`waited ${ms} ms for: ${what}`);
		await sleep(every);
	}
}

export async function cleanUp() {
	while (closers.length > 0)
		await Promise.resolve(closers.pop()()).catch((err) => console.error(String(err)));
	rmSync(work, { recursive: true, force: true });
}

export const freePort = () => new Promise((done) => {
	const s = createSocket().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => done(port)); });
});

const listening = (port) => new Promise((done) => {
	const s = connect(port, '127.0.0.1', () => { s.destroy(); done(true); }).on('error', () => done(false));
});

function ended(child, ms) {
	return new Promise((done) => {
		if (child.exitCode !== null || child.signalCode !== null)
			return done();
		const late = setTimeout(() => child.kill('SIGKILL'), ms);

		child.once('exit', () => { clearTimeout(late); done(); });
		child.kill('SIGTERM');
	});
}

/* ---- the SIP server */
const modules = () => ['/usr/lib', '/usr/local/lib'].flatMap((d) => (existsSync(d) ? readdirSync(d).map((x) => join(d, x, 'kamailio/modules')) : []))
	.concat('/usr/lib/kamailio/modules', '/usr/local/lib/kamailio/modules').find((d) => existsSync(join(d, 'websocket.so')));

export async function startSip({ port, agent, agentSecret, peer, peerSecret, qop = 'auth', nonceExpire = 300 }) {
	const fill = { PORT: port, MODULES: modules(), AGENT: agent, AGENT_SECRET: agentSecret, PEER: peer, PEER_SECRET: peerSecret, QOP: qop === 'auth' ? '1' : '0',
	    NONCE_EXPIRE: nonceExpire };
	const file = join(work, `kamailio-${port}.cfg`);

	writeFileSync(file, readFileSync(join(here, 'kamailio.cfg'), 'utf8').replace(/@([A-Z_]+)@/g, (_, k) => fill[k]));
	const child = spawn('kamailio', ['-DD', '-E', '-f', file, '-m', '32', '-M', '8', '-Y', work, '-P', join(work, `kamailio-${port}.pid`), '-w', work],
	    { stdio: ['ignore', 'pipe', 'pipe'] });
	let log = '';

	child.stdout.on('data', (d) => { log += d; });
	child.stderr.on('data', (d) => { log += d; });
	const server = { url: `ws://127.0.0.1:${port}/wss`, stop: () => ended(child, 3000), log: () => log };

	last(server.stop);
	await until('Kamailio', async () => {
		if (child.exitCode !== null)
			throw new Error(`Kamailio ended: ${log}`);
		return listening(port);
	});
	return server;
}

/* ---- pages: {path: {type?, headers?, body | file}} on an origin of their own */
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json' };

export async function servePages(pages, port = 0) {
	const server = createServer((rq, rs) => {
		const path = new URL(rq.url, 'http://x').pathname, page = pages[path];

		if (page === undefined) {
			rs.writeHead(404).end();
			return;
		}
		const body = page.file ? readFileSync(page.file) : typeof page.body === 'function' ? page.body() : page.body;

		rs.writeHead(200, { 'content-type': page.type ?? types[extname(path)] ?? types['.html'], 'cache-control': 'no-store', ...page.headers }).end(body);
	});

	await new Promise((done) => server.listen(port, '127.0.0.1', done));
	last(() => new Promise((done) => { server.closeAllConnections(); server.close(done); }));
	return `http://127.0.0.1:${server.address().port}`;
}

/* ---- the browser */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
	'--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
	'--disable-features=WebRtcHideLocalIpsWithMdns', '--autoplay-policy=no-user-gesture-required'];

export const browserPath = () => ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

export async function startBrowser(without = [], more = []) {
	const browser = await chromium.launch({ executablePath: browserPath(), headless: true, args: [...FLAGS.filter((f) => !without.includes(f)), ...more] });

	last(() => browser.close());
	return browser;
}
