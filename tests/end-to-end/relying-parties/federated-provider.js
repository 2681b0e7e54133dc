// node-oidc-provider with people: an outside OpenID Provider that is not ours. Its keys are new with each start.
// Arguments: port, secret of the client `postern`, its redirect URI.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';

const [port, secret, redirectUri] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'postern',
      client_secret: secret,
      redirect_uris: [redirectUri],
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

provider.listen(Number(port), '127.0.0.1');
