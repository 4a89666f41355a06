// An agent token for ringd's call ribbon: run on the CRM's own server (Node), after the agent has logged in there; never in a page.
const crypto = require('node:crypto');

function agentToken(agentId, serverKey, seconds = 900) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = part({ alg: 'HS256', typ: 'JWT' }) + '.' + part({ sub: agentId, iat: now, exp: now + seconds });
  const key = crypto.createHash('sha256').update(serverKey).digest();
  return text + '.' + crypto.createHmac('sha256', key).update(text).digest('base64url');
}

if (require.main === module) console.log(agentToken(process.env.AGENT_ID, process.env.RINGD_API_KEY));
module.exports = { agentToken };
