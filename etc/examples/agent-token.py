# An agent token for ringd's call ribbon: run on the CRM's own server, after the agent has logged in there; never in a page.
import base64, hashlib, hmac, json, os, time

def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def agent_token(agent_id, server_key, seconds=900):
    now = int(time.time())
    said = {"sub": agent_id, "iat": now, "exp": now + seconds}
    text = b64url(b'{"alg":"HS256","typ":"JWT"}') + "." + b64url(json.dumps(said).encode())
    key = hashlib.sha256(server_key.encode()).digest()
    return text + "." + b64url(hmac.new(key, text.encode(), hashlib.sha256).digest())

if __name__ == "__main__":
    print(agent_token(os.environ["AGENT_ID"], os.environ["RINGD_API_KEY"]))
