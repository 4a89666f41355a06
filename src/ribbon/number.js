/*
 * number: telephone numbers as people paste them, made E.164. What cannot surely be read as one number is refused, never guessed.
 */

/* "+91 98123-45678", "0091 (0)981…", "tel:+91…;ext=1", full-width digits: to "+919812345678", or null. country is what a leading 0 stands for. */
export function clean(text, country = '') {
	let t = String(text).normalize('NFKC').trim();

	t = t.replace(/^(tel|callto|sip):(\/\/)?/i, '').replace(/[;?@].*$/s, '');
	t = t.replace(/\p{Cf}/gu, '').replace(/\(0\)/g, '').replace(/[\s().\-‐-―/]/g, '');
	if (/^00[1-9]/.test(t))
		t = '+' + t.slice(2);
	if (country && /^0?[1-9]\d+$/.test(t) && !t.startsWith('+'))
		t = '+' + country.replace(/\D/g, '') + t.replace(/^0/, '');
	return /^\+[1-9]\d{6,14}$/.test(t) ? t : null;
}

/* In groups, for reading: the digits stay as they are. */
export function show(number) {
	const m = /^(\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}))(\d+)$/.exec(number ?? '');

	return m === null ? number ?? '' : `${m[1]} ${m[2].length === 10 ? m[2].replace(/^(\d{5})/, '$1 ') : m[2].replace(/(\d{3})(?=\d{2,})/g, '$1 ')}`;
}
