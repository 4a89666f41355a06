/*
 * microphone: may we, and if not, why. A browser says "NotAllowedError" to four different faults; each has another remedy, and another
 * person who must see to it.
 */
import { RibbonError } from './fault.js';

const policyForbids = () => {
	const policy = document.permissionsPolicy ?? document.featurePolicy;

	return policy?.allowsFeature !== undefined && !policy.allowsFeature('microphone');
};

const framed = () => { try { return window.top !== window; } catch { return true; } };

export function whyNoMicrophone(err) {
	if (!window.isSecureContext || navigator.mediaDevices === undefined)
		return new RibbonError('microphone_insecure', 'A microphone needs a page over https');
	if (policyForbids())
		return framed() ? new RibbonError('microphone_frame', 'The frame around this page lacks allow="microphone"') :
		    new RibbonError('microphone_policy', 'The page’s Permissions-Policy forbids the microphone');
	if (err?.name === 'NotFoundError' || err?.name === 'OverconstrainedError')
		return new RibbonError('microphone_missing', 'No microphone was found');
	if (err?.name === 'NotReadableError' || err?.name === 'AbortError')
		return new RibbonError('microphone_busy', 'The microphone could not be started');
	return new RibbonError('microphone_refused', 'The microphone was refused');
}

/* Asks once, and lets go at once. */
export async function tryMicrophone() {
	if (!window.isSecureContext || navigator.mediaDevices === undefined || policyForbids())
		throw whyNoMicrophone(null);
	try {
		(await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks().forEach((t) => t.stop());
	} catch (err) {
		throw whyNoMicrophone(err);
	}
}
