/* nodigest: stands for JsSIP's digests by password: the ribbon never has one, and signed.js answers challenges. */
export default class NoDigest {
	constructor() {
		throw new Error('no password is held here');
	}
}
