// node-oidc-provider with people: an outside OpenID Provider that is not ours. Its keys are new with each start.
// Arguments: port, secret of the client `postern`, its redirect URIs with spaces between them. With ISSUER, TLS_KEY and
// TLS_CERTIFICATE (files) it speaks TLS.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Provider } from 'oidc-provider';

const [port, secret, redirectUris] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const { ISSUER, TLS_KEY, TLS_CERTIFICATE } = process.env;
const provider = new Provider(ISSUER ?? `http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'postern',
      client_secret: secret,
      redirect_uris: redirectUris.split(' '),
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  // Without it the claims of scopes are in UserInfo alone.
  conformIdTokenClaims: process.argv[5] === 'userinfo',
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@op.example`,
      email_verified: id !== 'mallory',
      name: `Person ${id}`,
      preferred_username: id,
    }),
  }),
});

if (ISSUER) {
  const tls = { key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERTIFICATE) };
  createServer(tls, provider.callback()).listen(Number(port), '127.0.0.1');
} else {
  provider.listen(Number(port), '127.0.0.1');
}
