// node-oidc-provider with opaque access tokens: an issuer that is not ours, for the token-validator.
// Arguments: port, secret of the client that introspects, audience of the tokens.
import { Provider, errors } from 'oidc-provider';

const [port, secret, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const client = (client_id, client_secret, scope) => ({
  client_id,
  client_secret,
  scope,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
});

const provider = new Provider(issuer, {
  clients: [
    client('edge', secret),
    client('shop', 'secret-of-the-shop', 'orders.read orders.write'),
  ],
  scopes: ['orders.read', 'orders.write'],
  clientAuthMethods: ['client_secret_basic'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (ctx, asking) => asking.clientId === 'edge' },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo(ctx, resource) {
        if (resource !== audience) throw new errors.InvalidTarget();
        return {
          audience,
          scope: 'orders.read orders.write',
          accessTokenFormat: 'opaque',
          accessTokenTTL: 300,
        };
      },
    },
  },
});

provider.listen(Number(port), '127.0.0.1');
