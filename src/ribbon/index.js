/*
 * index: what a host page sees: ExotelCallRibbon. One ribbon a page. What is asked before it is ready waits for that; nothing it gives away
 * leads to a token.
 */
import { createDesk } from './desk.js';
import { RibbonError } from './fault.js';
import { merged, shortcuts } from './keys.js';
import { clean } from './number.js';
import { speak } from './words.js';
import { createView } from './view.js';

const EVENTS = ['ready', 'incoming', 'connecting', 'connected', 'muted', 'held', 'ended', 'logged', 'error', 'state'];
const STORE = 'ringd-ribbon';
const home = document.currentScript?.src ? new URL(document.currentScript.src).origin : null;
const listeners = new Map(EVENTS.map((name) => [name, new Set()]));
let current = null;

/* Where it sits and which devices were chosen: nothing else is ever kept. */
function keeper(place) {
	let kept = {};

	try { kept = JSON.parse(localStorage.getItem(STORE)) ?? {}; } catch { /* no storage: it forgets */ }
	return {
		place,
		get: (k) => kept[k] ?? null,
		set(k, v) {
			kept = { ...kept, [k]: v };
			try { localStorage.setItem(STORE, JSON.stringify(kept)); } catch { /* as above */ }
		},
	};
}

function tellHost(name, what) {
	for (const fn of [...listeners.get(name)])
		try {
			fn(Object.freeze({ event: name, ...what }));
		} catch (err) {
			setTimeout(() => { throw err; });	// the host's fault, told as the host's
		}
}

const on = (name, fn) => {
	if (!listeners.has(name))
		throw new TypeError(`there is no event "${name}"; there are ${EVENTS.join(', ')}`);
	listeners.get(name).add(fn);
	return () => off(name, fn);
};
const off = (name, fn) => listeners.get(name)?.delete(fn) ?? false;

const originOf = (text) => { try { return new URL(text).origin; } catch { return null; } };

function read(o) {
	const server = originOf(o.server ?? home);

	if (typeof o.apiKey !== 'string' || o.apiKey === '')
		throw new RibbonError('missing_api_key', 'init() needs apiKey');
	if (typeof o.agentToken !== 'function' && (typeof o.agentToken !== 'string' || o.agentToken === ''))
		throw new RibbonError('invalid_agent_token', 'init() needs agentToken: a text, or a function that fetches one');
	if (server === null)
		throw new RibbonError('network', 'init() needs server, the address of ringd');
	if (typeof fetch !== 'function' || typeof AbortSignal?.timeout !== 'function' || !('adoptedStyleSheets' in document) || !Object.hasOwn)
		throw new RibbonError('unsupported_browser', 'This browser is too old');
	return { ...o, server, iceServers: o.iceServers ?? [], country: o.country ?? '' };
}

function build(options) {
	const mount = typeof options.mount === 'string' ? document.querySelector(options.mount) : options.mount ?? null;
	const keep = keeper(options.place ?? 'bottom-right');
	let desk = null;
	const ask = (name, arg) => desk.ask(name, arg), keys = merged(options.shortcuts);
	const view = createView({ words: speak(options.words), mount, theme: options.theme ?? 'auto', country: options.country, keep, keys,
	    act: (name, arg) => Promise.resolve(name === 'dial' ? dial(arg) : ask(name, arg)).catch((err) => ask('complain', err)) });

	desk = createDesk({ options, version: VERSION, keep, show: view.show, tellHost });
	async function dial(text, more = {}) {
		const number = clean(text, options.country), context = more.context ?? null;

		if (number === null)
			throw new RibbonError('invalid_phone_number', `"${text}" is not a telephone number`);
		return ask('dial', { number, context: context === null ? null : typeof context === 'string' ? context : JSON.stringify(context) });
	}
	/* <a data-call="+91…" data-call-context="…"> anywhere in the page, now or later. */
	function linked(e) {
		const link = e.target instanceof Element ? e.target.closest('[data-call]') : null;

		if (link === null || e.defaultPrevented || e.button !== 0)
			return;
		e.preventDefault();
		dial(link.dataset.call, { context: link.dataset.callContext || null }).catch((err) => ask('complain', err));
	}
	const unbind = shortcuts(keys, {
		answer: () => ask('answer'), hangUp: () => ask(desk.seen().word === 'incoming' ? 'decline' : 'hangUp'), mute: () => ask('mute'),
		hold: () => ask('hold'), focus: () => view.focus() }, view.writing);

	if (options.links !== false)
		document.addEventListener('click', linked);
	return Object.freeze({
		version: VERSION, dial, on, off,
		answer: () => ask('answer'), decline: () => ask('decline'), hangUp: () => ask('hangUp'), mute: (yes) => ask('mute', yes), hold: (yes) => ask('hold', yes),
		dtmf: (tones) => ask('dtmf', tones), note: (what) => ask('note', what), done: () => ask('done'),
		minimise: () => view.minimise(true), expand: () => view.minimise(false), focus: () => view.focus(),
		get state() { return desk.seen().word; },
		get call() { const c = desk.seen().call; return c === null ? null : Object.freeze({ ...c }); },
		begin: () => desk.begin(),
		destroy() {
			desk.stop();
			unbind();
			document.removeEventListener('click', linked);
			view.destroy();
		},
	});
}

/* One at a time: asked again, it gives the same; asked again after it failed, it begins anew. */
function init(options = {}) {
	if (current !== null && !current.failed)
		return current.promise;
	current?.destroy();
	const mine = { ribbon: null, failed: false, destroy: () => {} };

	current = mine;
	mine.promise = (async () => {
		try {
			const wanted = read(options);

			if (document.body === null)
				await new Promise((done) => document.addEventListener('DOMContentLoaded', done, { once: true }));
			const { begin, destroy, ...parts } = Object.getOwnPropertyDescriptors(build(wanted));

			mine.destroy = () => {
				destroy.value();
				if (current === mine)
					current = null;
			};
			mine.ribbon = Object.freeze(Object.defineProperties({ destroy: mine.destroy }, parts));
			await begin.value();
			return mine.ribbon;
		} catch (err) {
			mine.failed = true;
			throw err;
		}
	})();
	return mine.promise;
}

/* Before init(): refused. Before ready: after it. A ribbon that could not begin may have been helped since. */
const later = (name) => async (...args) => {
	if (current === null)
		throw new RibbonError('not_ready', 'ExotelCallRibbon.init() comes first');
	await current.promise.catch((err) => { if (current?.ribbon == null) throw err; });
	return current.ribbon[name](...args);
};

globalThis.ExotelCallRibbon = Object.assign(globalThis.ExotelCallRibbon ?? {}, {
	version: VERSION, init, on, off, dial: later('dial'), hangUp: later('hangUp'), answer: later('answer'), RibbonError,
});
