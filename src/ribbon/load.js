/*
 * load: brings the second file, once. It is named and pinned when the first is built, so that the digest a page gives for the first holds
 * for both.
 */
import { RibbonError } from './fault.js';

let loading = null, policy = null;

/* Where a page demands it, an address of a script must have been made by a named policy. A name may be taken once; a load tried twice. */
function trusted(url) {
	policy ??= globalThis.trustedTypes?.createPolicy('ringd-ribbon', { createScriptURL: (u) => u }) ?? null;
	return policy?.createScriptURL(url) ?? url;
}

export function loadPhone(server) {
	loading ??= new Promise((resolve, reject) => {
		const script = document.createElement('script');

		globalThis.ExotelCallRibbon[Symbol.for('ringd.ribbon.webrtc')] = resolve;
		script.src = trusted(`${server}/ribbon/${WEBRTC_FILE}`);
		script.integrity = WEBRTC_DIGEST;
		script.crossOrigin = 'anonymous';
		script.async = true;
		script.onload = () => script.remove();
		script.onerror = () => {
			script.remove();
			loading = null;
			reject(new RibbonError('network', 'The telephone part of the ribbon could not be loaded'));
		};
		document.head.append(script);
	});
	return loading;
}
