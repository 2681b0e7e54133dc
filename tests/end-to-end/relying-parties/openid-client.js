// An OpenID Connect relying party made of openid-client. One command on standard input as JSON,
// one answer on standard output as JSON; `{"refused": "…"}` when the library or the provider
// turns something down.
import { readFileSync } from "node:fs";
import * as client from "openid-client";

const input = JSON.parse(readFileSync(0, "utf8"));

async function authentication() {
  switch (input.authentication) {
    case "none":
      return client.None();
    case "client_secret_basic":
      return client.ClientSecretBasic(input.clientSecret);
    case "client_secret_post":
      return client.ClientSecretPost(input.clientSecret);
    case "private_key_jwt": {
      const der = Buffer.from(input.privateKey, "base64");
      const algorithm = { name: "ECDSA", namedCurve: "P-256" };
      const key = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
      return client.PrivateKeyJwt({ key, kid: input.keyId });
    }
    default:
      throw new Error(`unknown authentication ${input.authentication}`);
  }
}

async function configuration() {
  const metadata = { id_token_signed_response_alg: input.idTokenAlgorithm ?? "RS256" };
  return client.discovery(new URL(input.issuer), input.clientId, metadata, await authentication());
}

const commands = {
  async authorize() {
    const provider = await configuration();
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const proof = {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    };
    const url = client.buildAuthorizationUrl(provider, {
      redirect_uri: input.redirectUri,
      scope: input.scope,
      ...(input.withoutProof ? {} : proof),
      state,
      nonce,
      ...input.parameters,
    });
    return { url: url.href, verifier, state, nonce };
  },

  async callback() {
    const provider = await configuration();
    const tokens = await client.authorizationCodeGrant(provider, new URL(input.url), {
      pkceCodeVerifier: input.verifier ?? undefined,
      expectedState: input.state,
      expectedNonce: input.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    const userinfo = await client.fetchUserInfo(provider, tokens.access_token, claims.sub);
    return { tokens, claims, userinfo };
  },

  async userinfo() {
    return { userinfo: await client.fetchUserInfo(await configuration(), input.accessToken, client.skipSubjectCheck) };
  },

  async refresh() {
    return { tokens: await client.refreshTokenGrant(await configuration(), input.refreshToken) };
  },

  async revoke() {
    await client.tokenRevocation(await configuration(), input.token);
    return {};
  },

  async introspect() {
    return { introspection: await client.tokenIntrospection(await configuration(), input.token) };
  },

  async logout() {
    const provider = await configuration();
    const url = client.buildEndSessionUrl(provider, {
      id_token_hint: input.idToken,
      post_logout_redirect_uri: input.postLogoutRedirectUri,
      state: input.state,
    });
    return { url: url.href };
  },
};

let answer;
try {
  answer = await commands[input.command]();
} catch (error) {
  answer = { refused: [error.message, error.code, error.error, error.cause?.message].filter(Boolean).join(": ") };
}
process.stdout.write(JSON.stringify(answer));
