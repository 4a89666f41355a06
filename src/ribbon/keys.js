/*
 * keys: shortcuts that work anywhere in the page, but never where somebody writes. Three keys at once, so that they meet nobody else's.
 */
const defaults = { answer: 'Alt+Shift+A', hangUp: 'Alt+Shift+H', mute: 'Alt+Shift+M', hold: 'Alt+Shift+O', focus: 'Alt+Shift+P' };

/* Into another's closed root nobody can look: then it counts what the element says it is. */
const writes = (el) => el instanceof HTMLElement && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) ||
    el.constructor.formAssociated === true || /^(textbox|searchbox|combobox)$/.test(el.getAttribute('role') ?? ''));

/* "Alt+Shift+A" against a key's event: by the key's place as well, because Alt makes another letter of it on many a keyboard. */
function fits(text, e) {
	const parts = text.toLowerCase().split('+'), key = parts.pop(), has = (m) => parts.includes(m);

	/* A form that fills itself in sends key events without a key. */
	return (e.key?.toLowerCase() === key || e.code === `Key${key.toUpperCase()}`) && e.altKey === has('alt') && e.shiftKey === has('shift') &&
	    e.ctrlKey === (has('ctrl') || has('control')) && e.metaKey === has('meta');
}

/* own: {action: "Ctrl+Shift+X" | null, …} over ours, or false for none. */
export const merged = (own) => (own === false ? {} : { ...defaults, ...own });

/*
 * all: what merged() gave. writing(): somebody writes in the ribbon itself; from here its closed root shows one element, whatever in it has
 * the focus. Returns how to be rid of them.
 */
export function shortcuts(all, actions, writing) {

	function pressed(e) {
		const focus = e.composedPath()[0];

		for (const [name, text] of Object.entries(all))
			if (text && actions[name] && !e.repeat && fits(text, e) && !writes(focus) && !writing()) {
				e.preventDefault();
				Promise.resolve(actions[name]()).catch(() => {});
				return;
			}
	}
	document.addEventListener('keydown', pressed);
	return () => document.removeEventListener('keydown', pressed);
}
