/* dom: elements without markup: no innerHTML, so that a page under Trusted Types and a strict CSP needs to allow nothing. */

/* h('button.round', { 'aria-label': 'Call', onclick }, child, …); classes by dots; null children are left out. */
export function h(name, props = {}, ...children) {
	const [tag, ...classes] = name.split('.');
	const el = document.createElement(tag);

	if (classes.length > 0)
		el.className = classes.join(' ');
	for (const [k, v] of Object.entries(props)) {
		if (k.startsWith('on'))
			el.addEventListener(k.slice(2), v);
		else if (v === true)
			el.setAttribute(k, '');
		else if (v !== false && v !== null && v !== undefined)
			el.setAttribute(k, v);
	}
	el.append(...children.filter((c) => c !== null && c !== undefined));
	return el;
}

const SVG = 'http://www.w3.org/2000/svg';
const paths = {
	phone: 'M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.25 11.4 11.4 0 0 0 3.6.58 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1c0 1.25.2 2.45.57 3.57a1 1 0 0 1-.25 1.02z',
	end: 'M12 9c-1.6 0-3.15.25-4.6.72v3.1c0 .4-.23.74-.56.9-.98.49-1.87 1.12-2.66 1.85a1 1 0 0 1-.7.28 1 1 0 0 1-.7-.29L.29 13.08A1 1 0 0 1 0 12.37a1 1 0 0 1 .29-.7 16.9 16.9 0 0 1 23.42 0 1 1 0 0 1 0 1.41l-2.48 2.48a1 1 0 0 1-.71.29 1 1 0 0 1-.69-.28 11.3 11.3 0 0 0-2.67-1.85 1 1 0 0 1-.56-.9v-3.1A15 15 0 0 0 12 9z',
	mic: 'M12 14a3 3 0 0 0 3-3V5a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zm5-3a5 5 0 0 1-10 0H5a7 7 0 0 0 6 6.92V21h2v-3.08A7 7 0 0 0 19 11z',
	hold: 'M7 5h3.5v14H7zm6.5 0H17v14h-3.5z',
	keypad: 'M5 3h4v4H5zm5.5 0h4v4h-4zM16 3h4v4h-4zM5 8.5h4v4H5zm5.5 0h4v4h-4zm5.5 0h4v4h-4zM5 14h4v4H5zm5.5 0h4v4h-4zm5.5 0h4v4h-4zm-5.5 5.5h4v3h-4z',
	gear: 'M19.4 13a7.6 7.6 0 0 0 0-2l2.1-1.65a.5.5 0 0 0 .12-.64l-2-3.46a.5.5 0 0 0-.6-.22l-2.5 1a7.3 7.3 0 0 0-1.7-.98l-.37-2.65A.5.5 0 0 0 13.95 2h-4a.5.5 0 0 0-.49.42l-.38 2.65c-.6.25-1.17.58-1.69.98l-2.49-1a.5.5 0 0 0-.6.22l-2 3.46a.5.5 0 0 0 .12.64L4.53 11a8 8 0 0 0 0 2l-2.1 1.65a.5.5 0 0 0-.13.64l2 3.46c.12.22.38.3.61.22l2.49-1c.52.4 1.08.73 1.69.98l.38 2.65c.03.24.24.42.49.42h4c.25 0 .46-.18.49-.42l.38-2.65a7.3 7.3 0 0 0 1.69-.98l2.49 1c.23.08.49 0 .61-.22l2-3.46a.5.5 0 0 0-.12-.64zM12 15.5a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7z',
	down: 'M5.4 8.4 12 15l6.6-6.6L20 9.8l-8 8-8-8z',
};

export function icon(name) {
	const svg = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');

	svg.setAttribute('viewBox', '0 0 24 24');
	svg.setAttribute('aria-hidden', 'true');
	svg.setAttribute('focusable', 'false');
	path.setAttribute('d', paths[name]);
	svg.append(path);
	return svg;
}
