/*
 * keys: shortcuts that work anywhere in the page, but never where somebody writes. Three keys at once, so that they meet nobody else's.
 */
const defaults = { answer: 'Alt+Shift+A', hangUp: 'Alt+Shift+H', mute: 'Alt+Shift+M', hold: 'Alt+Shift+O', focus: 'Alt+Shift+P' };

const writes = (el) => el instanceof HTMLElement && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

/* "Alt+Shift+A" against a key's event: by the key's place as well, because Alt makes another letter of it on many a keyboard. */
function fits(text, e) {
	const parts = text.toLowerCase().split('+'), key = parts.pop(), has = (m) => parts.includes(m);

	return (e.key.toLowerCase() === key || e.code === `Key${key.toUpperCase()}`) && e.altKey === has('alt') && e.shiftKey === has('shift') &&
	    e.ctrlKey === has('ctrl') && e.metaKey === has('meta');
}

/* own: {action: "Ctrl+Shift+X" | null, …} over ours, or false for none. Returns how to be rid of them. */
export function shortcuts(own, actions) {
	const all = own === false ? {} : { ...defaults, ...own };

	function pressed(e) {
		const focus = e.composedPath()[0];

		for (const [name, text] of Object.entries(all))
			if (text && actions[name] && fits(text, e) && (!writes(focus) || name === 'focus')) {
				e.preventDefault();
				Promise.resolve(actions[name]()).catch(() => {});
				return;
			}
	}
	document.addEventListener('keydown', pressed);
	return () => document.removeEventListener('keydown', pressed);
}
