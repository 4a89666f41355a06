/*
 * view: what people see and touch. One closed shadow root, one adopted style sheet, every element made once; show(s) only sets texts and
 * what is hidden. Knows no server and no telephone: act(name, value) says what somebody wants.
 */
import css from './view.css';

import { h, icon } from './dom.js';
import { clean, show as pretty } from './number.js';

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
const PLACES = ['bottom-right', 'bottom-left', 'top-right', 'top-left'];

export function clock(ms) {
	const s = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, '0');

	return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
}

export function createView({ words: w, mount, theme, country, keep, keys, act }) {
	const host = document.createElement('exotel-call-ribbon'), shadow = host.attachShadow({ mode: 'closed' }), sheet = new CSSStyleSheet();
	const dark = matchMedia('(prefers-color-scheme: dark)');
	let last = null, spoken = '', tick = null, wantsKeys = false, wantsSettings = false, small = keep.get('small') === true, sent = '', sentIn = null, failed = null;

	sheet.replaceSync(css);
	shadow.adoptedStyleSheets = [sheet];

	const button = (cls, name, picture, onclick, more = {}) => h(`button${cls}`, { type: 'button', onclick, ...more }, picture && icon(picture),
	    h('span', {}, name));
	const bare = (name, picture, onclick, more = {}) => h('button.bare', { type: 'button', 'aria-label': name, title: name, onclick, ...more }, icon(picture));
	const label = (text, field) => h('label', {}, text, field);
	const drafts = new Map();		// notes begun and not saved, by call
	let wantsRecent = false, noteFor = null, noteId = null;		// of the call just ended, or of one from the list

	/* ---- the parts */
	const el = {};

	el.pillWord = h('span');
	el.pillTime = h('span.time');
	el.pill = h('button.pill', { type: 'button', onclick: () => minimise(false) }, h('span.dot'), h('span.quiet', {}, `${w.open}: `), el.pillWord, el.pillTime);
	el.word = h('h2.word');
	el.detail = h('p.detail');
	el.time = h('span.time', { role: 'timer', 'aria-live': 'off' });
	el.gear = bare(w.settings, 'gear', () => { wantsSettings = !wantsSettings; if (wantsSettings) act('devices'); again(); }, { 'aria-expanded': 'false' });
	el.min = bare(w.minimise, 'down', () => minimise(true));
	el.faultText = h('span');
	el.retry = button('', w.retry, null, () => act('retry'));
	el.fault = h('div.fault', { role: 'alert' }, el.faultText, h('div', {}, el.retry));
	el.sound = h('div.fault', {}, button('', w.sound, null, () => act('sound')));
	el.number = h('input', { type: 'tel', inputmode: 'tel', autocomplete: 'off', spellcheck: 'false', 'aria-label': w.dialLabel, placeholder: w.example,
	    maxlength: '40', onpaste: pasted, oninput: () => el.number.removeAttribute('aria-invalid') });
	el.call = h('button.main.fit', { type: 'submit' }, icon('phone'), h('span', {}, w.call));
	el.keysHere = bare(w.keypad, 'keypad', keypad, { 'aria-expanded': 'false' });
	el.dial = h('form', { onsubmit: dialled }, h('div.row', {}, el.number, el.keysHere, el.call));
	el.keysHere.classList.add('fit');
	el.answer = button('.good', w.answer, 'phone', () => act('answer'));
	el.decline = button('.bad', w.decline, 'end', () => act('decline'));
	el.incoming = h('div.row', { role: 'group', tabindex: '-1', 'aria-label': w.state.incoming }, el.answer, el.decline);
	el.mute = button('', w.mute, 'mic', () => act('mute'));
	el.hold = button('', w.hold, 'hold', () => act('hold'));
	el.keysCall = button('', w.keypad, 'keypad', keypad, { 'aria-expanded': 'false' });
	el.end = button('.bad', w.hangUp, 'end', () => act('hangUp'));
	el.controls = h('div.four', {}, el.mute, el.hold, el.keysCall, el.end);
	el.onPhone = h('p.hint', {}, w.hangUpPhone);
	el.sent = h('p.sent', { 'aria-hidden': 'true' });
	el.keys = h('div', {}, el.sent, h('div.keys', { role: 'group', 'aria-label': w.keypad },
	    ...KEYS.map((k) => h('button', { type: 'button', 'aria-label': `${w.key} ${k}`, onclick: () => pressed(k) }, k))));
	el.disposition = h('select');
	el.note = h('textarea', { rows: '2', maxlength: '1300' });		// 4000 bytes to the server, and 3 a letter in most of India's scripts
	el.dispositionLabel = label(w.disposition, el.disposition);
	el.wrapFor = h('p.whose');
	el.wrap = h('form.stack', { onsubmit: noted }, el.wrapFor, el.dispositionLabel, label(w.note, el.note),
	    h('div.row', {}, h('button.main', { type: 'submit' }, w.save), button('', w.skip, null, skip)));
	el.more = h('button.wide', { type: 'button', 'aria-expanded': 'false', onclick: () => { wantsRecent = !wantsRecent; if (wantsRecent) act('recent'); again(); } });
	el.recent = h('ul.recent', { role: 'list' });
	el.mic = h('select', { onchange: () => act('microphone', el.mic.value) });
	el.speaker = h('select', { onchange: () => act('speaker', el.speaker.value) });
	el.ringer = h('select', { onchange: () => act('ringer', el.ringer.value) });
	/* Never to nothing: it would not ring either. */
	el.volume = h('input', { type: 'range', min: '10', max: '100', step: '5', oninput: () => act('volume', Number(el.volume.value) / 100) });
	el.place = h('select', { onchange: () => { keep.set('place', el.place.value); again(); } }, ...PLACES.map((p) => h('option', { value: p }, w.places[p])));
	el.micLabel = label(w.microphone, el.mic);
	el.speakerLabel = label(w.speaker, el.speaker);
	el.ringerLabel = label(w.ringer, el.ringer);
	el.volumeLabel = label(w.volume, el.volume);
	el.placeLabel = label(w.place, el.place);
	el.settings = h('section.stack', {}, el.micLabel, el.speakerLabel, el.ringerLabel, el.volumeLabel, el.placeLabel);
	el.main = h('section', {}, el.dial, el.incoming, el.onPhone, el.controls, el.keys, el.wrap, el.more, el.recent);
	el.agent = h('span');
	el.usage = h('span');
	el.foot = h('div.foot', {}, el.agent, el.usage);
	el.live = h('div.quiet', { 'aria-live': 'polite' });
	el.alarm = h('div.quiet', { 'aria-live': 'assertive' });
	el.bar = h('div.bar', {}, h('div.head', {}, h('span.dot'), h('div.who', {}, el.word, el.detail), el.time, el.gear, el.min), el.fault, el.sound, el.main,
	    el.settings, el.foot);
	el.root = h('div.root', { role: 'region', 'aria-label': w.title, onkeydown: typed }, el.pill, el.bar, el.live, el.alarm);
	shadow.append(el.root);
	for (const [node, name] of [[el.answer, 'answer'], [el.decline, 'hangUp'], [el.end, 'hangUp'], [el.mute, 'mute'], [el.hold, 'hold']])
		if (keys[name]) {
			node.setAttribute('aria-keyshortcuts', keys[name].replace(/\bctrl\b/i, 'Control'));
			node.title = keys[name];
		}

	/* ---- what hands do */
	function minimise(on) {
		small = on;
		keep.set('small', on);
		again();
		(on ? el.pill : el.min).focus();
	}
	function keypad() {
		wantsKeys = !wantsKeys;
		again();
	}
	function pressed(k) {
		if (last?.live) {
			sent = (sent + k).slice(-24);
			act('dtmf', k);
		} else {
			el.number.value += k;
			el.number.removeAttribute('aria-invalid');
		}
		again();
	}
	function pasted(e) {
		const number = clean(e.clipboardData?.getData('text') ?? '', country);

		if (number !== null) {
			e.preventDefault();
			el.number.value = number;
			el.number.removeAttribute('aria-invalid');
		}
	}
	function dialled(e) {
		e.preventDefault();
		const number = clean(el.number.value, country);

		if (number === null) {
			el.number.setAttribute('aria-invalid', 'true');
			el.number.focus();
		}
		act('dial', number ?? el.number.value);
	}
	function noted(e) {
		e.preventDefault();
		const what = { disposition: el.disposition.value || undefined, note: el.note.value.trim() || undefined };

		if (what.disposition === undefined && what.note === undefined)
			el.note.focus();
		else
			act('note', { id: noteId, ...what });
	}
	function skip() {
		if (noteFor === null)
			act('done');
		noteFor = null;
		again();
	}
	/* The form belongs to another call from here on. What was begun for the one before is kept until it is saved. */
	function turnTo(id) {
		if (noteId === id)
			return;
		if (noteId !== null)
			drafts.set(noteId, [el.disposition.value, el.note.value]);
		[el.disposition.value, el.note.value] = drafts.get(id) ?? ['', ''];
		noteId = id;
	}
	const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' }), hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
	const when = (at) => (new Date(at).toDateString() === new Date().toDateString() ? hour : day).format(at);
	const because = (reason) => (reason ? w.end[reason] ?? w.fault[reason] ?? reason : '');

	function list(recent) {
		const want = JSON.stringify(recent);

		if (el.recent.dataset.has === want)
			return;
		el.recent.dataset.has = want;
		el.recent.replaceChildren(...recent.map((r) => h('li.row', {}, h('button.past', { type: 'button', onclick: () => act('dial', r.number) },
		    h('span.quiet', {}, `${w.call} `), h('span', {}, pretty(r.number) || w.unknown), h('span.detail', {}, [r.inbound ? w.inbound : '', when(r.at), because(r.reason)].filter(Boolean).join(', '))),
		    r.unlogged ? h('button.fit', { type: 'button', 'aria-label': `${w.note}: ${pretty(r.number)}, ${when(r.at)}`, onclick: () => { noteFor = r; again(); el.note.focus(); } },
		        w.note) : null)));
	}
	/* A telephone's keys on the computer's, while talking and not writing. */
	function typed(e) {
		if (e.key === 'Escape' && !small && !mount)
			minimise(true);
		else if (last?.live && last.tones && /^[0-9*#]$/.test(e.key) && !e.ctrlKey && !e.altKey && !e.metaKey && !/INPUT|TEXTAREA|SELECT/.test(e.target.tagName))
			pressed(e.key);
	}

	/* ---- what is shown */
	const text = (node, t) => { if (node.textContent !== t) node.textContent = t; };
	const hide = (node, yes) => node.toggleAttribute('hidden', yes);
	/* By its name and not by aria-pressed as well: "Unmute, pressed" would say the contrary of what it means. */
	const press = (node, yes, name) => { node.classList.toggle('on', yes); text(node.lastChild, name); };
	const again = () => { if (last !== null) show(last); };

	function showTime() {
		const c = last?.call, from = c?.connectedAt ?? null, t = from === null ? '' : clock((c.endedAt ?? Date.now()) - from);

		text(el.time, t);
		text(el.pillTime, t);
	}
	function options(select, list, chosen) {
		const want = JSON.stringify([list, chosen]);

		if (select.dataset.has === want)
			return;
		select.dataset.has = want;
		select.replaceChildren(...list.map(([value, name]) => h('option', { value }, name)));
		select.value = chosen ?? '';
	}
	function dock() {
		const place = PLACES.includes(keep.get('place')) ? keep.get('place') : keep.place;

		for (const side of ['bottom', 'top', 'left', 'right'])
			el.root.classList.toggle(side, place.includes(side));
		el.root.classList.toggle('mounted', Boolean(mount));
		el.root.classList.toggle('dark', theme === 'dark' || (theme !== 'light' && dark.matches));
		el.place.value = place;
	}
	/* Once for each thing said, and not for the same thing again. */
	function say(s, sentence) {
		if (sentence === spoken)
			return;
		spoken = sentence;
		const [now, before] = s.word === 'incoming' ? [el.alarm, el.live] : [el.live, el.alarm];

		text(before, '');		// or the same sentence there would be no news the next time
		text(now, sentence);
	}
	/*
	 * A control that went away takes the focus with it: give it to the next sensible one. Not to one that answers a call: who was writing when
	 * it began to ring would do so with the next key.
	 */
	function keepFocus(had, ringing = false) {
		if (had === null || (had.isConnected && had.getClientRects().length > 0 && !had.disabled))
			return;
		for (const next of [ringing ? el.incoming : el.answer, el.end, el.number, el.note, el.retry, el.min, el.pill])
			if (next.getClientRects().length > 0 && !next.disabled) {
				next.focus();
				return;
			}
	}

	function show(s) {
		const had = shadow.activeElement, c = s.call, incoming = s.word === 'incoming', ended = c?.phase === 'ended';
		const webrtc = s.mode === 'webrtc', tiny = small && !incoming && !mount, other = c === null ? '' : c.name || pretty(c.number) || w.unknown;
		const wrap = ended && c.id !== null && !c.logged;
		const why = ended ? because(c.reason) : '';
		const dials = (c === null || (ended && !wrap)) && s.line !== 'offline', recent = s.recent ?? [], unlogged = recent.filter((r) => r.unlogged);

		last = s;
		if (sentIn !== (c?.at ?? null)) {
			sentIn = c?.at ?? null;
			sent = '';
			wantsKeys = false;
			if (c?.direction === 'outbound')
				el.number.value = '';
		}
		el.root.className = el.root.className.replace(/\bis-\S+/g, '').trim();
		el.root.classList.add(`is-${s.word}`);
		el.root.classList.toggle('small', tiny);
		dock();
		hide(el.pill, !tiny);
		hide(el.bar, tiny);
		text(el.word, w.state[s.word] ?? s.word);
		text(el.pillWord, w.state[s.word] ?? s.word);
		text(el.detail, c === null ? (s.leader ? '' : w.otherTab) : [other, why].filter(Boolean).join('\n'));
		hide(el.detail, el.detail.textContent === '');
		text(el.faultText, s.fault === null ? '' : w.fault[s.fault.code] ?? `${w.fault.other} ${s.fault.message ?? ''}`);
		hide(el.fault, s.fault === null);
		hide(el.retry, !s.canRetry);
		hide(el.sound, !s.blocked);
		hide(el.dial, !dials);
		el.call.disabled = s.line !== 'ready';
		hide(el.incoming, !incoming);
		hide(el.controls, !s.live || incoming);
		for (const b of [el.mute, el.hold, el.keysCall])
			hide(b, !s.tones && !webrtc);
		for (const b of [el.mute, el.hold])
			b.disabled = !s.tones;
		el.keysCall.disabled = !s.tones;
		press(el.mute, c?.muted ?? false, c?.muted ? w.unmute : w.mute);
		press(el.hold, c?.held ?? false, c?.held ? w.resume : w.hold);
		text(el.end.lastChild, webrtc ? w.hangUp : w.close);
		el.controls.classList.toggle('one', !webrtc);
		el.end.classList.toggle('bad', webrtc);
		hide(el.end.firstChild, !webrtc);
		hide(el.onPhone, !(s.live && !webrtc));
		for (const b of [el.keysHere, el.keysCall])
			b.setAttribute('aria-expanded', String(wantsKeys));
		hide(el.keys, !wantsKeys || (c !== null && !s.tones) || s.line === 'offline');
		hide(el.sent, !s.tones || sent === '');
		text(el.sent, sent);
		for (const id of drafts.keys())
			if (recent.some((r) => r.id === id && !r.unlogged))
				drafts.delete(id);
		if (noteFor !== null && !unlogged.some((r) => r.id === noteFor.id))
			noteFor = null;
		hide(el.wrap, !wrap && (noteFor === null || !dials));
		text(el.wrapFor, wrap || noteFor === null ? '' : `${pretty(noteFor.number)}, ${when(noteFor.at)}`);
		hide(el.wrapFor, el.wrapFor.textContent === '');
		hide(el.more, !dials || recent.length === 0 || noteFor !== null);
		text(el.more, unlogged.length === 0 ? w.recent : `${w.recent} · ${unlogged.length} ${w.unlogged}`);
		el.more.setAttribute('aria-expanded', String(wantsRecent));
		hide(el.recent, el.more.hidden || !wantsRecent);
		list(recent);
		if (ended && c.id === null && c.direction === 'outbound' && failed !== c.at) {
			failed = c.at;
			el.number.value = c.number;		// to be mended, or tried again
		}
		hide(el.dispositionLabel, s.dispositions.length === 0);
		options(el.disposition, [['', w.none], ...s.dispositions.map((d) => [d, d])], '');
		if (wrap || noteFor !== null)
			turnTo(wrap ? c.id : noteFor.id);
		hide(el.main, ![el.dial, el.incoming, el.controls, el.onPhone, el.keys, el.wrap, el.more].some((x) => !x.hidden));
		el.gear.setAttribute('aria-expanded', String(wantsSettings));
		hide(el.settings, !wantsSettings);
		for (const [field, lab, kind, chosen, first = w.theSystems] of [[el.mic, el.micLabel, 'audioinput', s.devices.mic],
		    [el.speaker, el.speakerLabel, 'audiooutput', s.devices.speaker], [el.ringer, el.ringerLabel, 'audiooutput', s.devices.ringer, w.sameSpeaker]]) {
			hide(lab, !webrtc || !s.leader || !s.devices.list.some((d) => d.kind === kind));
			options(field, [['', first], ...s.devices.list.filter((d) => d.kind === kind).map((d) => [d.id, d.label])], chosen);
		}
		hide(el.volumeLabel, !webrtc || !s.leader);
		el.volume.value = String(Math.round(s.devices.volume * 100));
		hide(el.placeLabel, Boolean(mount));
		hide(el.min, Boolean(mount));
		text(el.agent, s.agent ?? '');
		text(el.usage, s.usage?.limit ? `${s.usage.used} / ${s.usage.limit} ${w.usage}` : '');
		hide(el.foot, !s.agent);
		showTime();
		say(s, [w.state[s.word] ?? s.word, other, why].filter(Boolean).join(', '));
		keepFocus(had, incoming);
	}

	/* A page that replaces its whole body, as many do instead of loading another, takes nothing away that it did not mean. */
	tick = setInterval(() => {
		showTime();
		if (!mount && !host.isConnected)
			document.body?.append(host);
	}, 500);
	dark.addEventListener?.('change', again);
	(mount ?? document.body).append(host);
	return Object.freeze({
		show,
		minimise,
		isSmall: () => small,
		writing: () => /^(INPUT|TEXTAREA|SELECT)$/.test(shadow.activeElement?.tagName),
		number: (n) => { el.number.value = n; },
		focus() {
			if (small)
				minimise(false);
			keepFocus(document.createElement('i'));
		},
		destroy() {
			clearInterval(tick);
			dark.removeEventListener?.('change', again);
			host.remove();
		},
	});
}
