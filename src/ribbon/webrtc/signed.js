/*
 * signed: SIP requests proved by the server. JsSIP answers a challenge with a password; here there is none: what was challenged goes to
 * ringd, which knows the secret, and what comes back is the header to send. Each signature is good for one request.
 *
 * This replaces one method of JsSIP's request sender, at run time, for the one user agent of the ribbon.
 */
import RequestSender from 'jssip/lib/RequestSender.js';

const plain = (v) => (Array.isArray(v) ? v.join(',') : v ?? undefined);

/* sign(what) → promise of {authorization}; refused(err) hears why the server would not. */
export function signRequests(ua, sign, refused) {
	const proto = RequestSender.prototype;

	ua.ringdSigner = { sign, refused };
	proto._receiveResponse = receive;
}

function receive(response) {
	const status = response.status_code;
	const give = () => this._eventHandlers.onReceiveResponse(response);
	const challenge = status === 401 ? response.parseHeader('www-authenticate') :
	    status === 407 ? response.parseHeader('proxy-authenticate') : undefined;

	if (!challenge || (this._challenged && (this._staled || challenge.stale !== true)))
		return give();
	this._challenged = true;
	this._staled = challenge.stale === true;
	const { ringdSigner: by, transport } = this._ua, socket = transport.socket?._ws;

	by.sign({ method: this._request.method, uri: String(this._request.ruri), realm: challenge.realm, nonce: challenge.nonce,
	    algorithm: plain(challenge.algorithm), qop: plain(challenge.qop), opaque: plain(challenge.opaque) }).then(({ authorization }) => {
		if (!transport.isConnected() || transport.socket?._ws !== socket)
			return;		// of a connection that is gone; the next one registers anew
		this._request = this._request.clone();
		this._request.cseq += 1;
		this._request.setHeader('cseq', `${this._request.cseq} ${this._method}`);
		this._request.setHeader(status === 401 ? 'authorization' : 'proxy-authorization', authorization);
		this._eventHandlers.onAuthenticated(this._request);
		this.send();
	}, (err) => {
		by.refused(err);
		give();
	});
}
