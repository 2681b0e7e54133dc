// The OpenID Connect side, by openid-client.

import * as client from "openid-client";

import { config } from "./config.js";

const MAX_AGE_MS = 10 * 60 * 1000;

let cached;

/** The identity provider as its discovery document describes it; read again every ten minutes. */
async function identityProvider() {
  if (!cached || Date.now() - cached.readAt > MAX_AGE_MS) {
    const configuration = await client.discovery(
      config.issuer,
      config.clientId,
      undefined,
      client.ClientSecretBasic(config.clientSecret),
      // Checks the signature of ID tokens against the published keys as well, not TLS alone.
      { execute: [client.enableNonRepudiationChecks], timeout: 10 },
    );
    cached = { configuration, readAt: Date.now() };
  }
  return cached.configuration;
}

/** Where to send the browser to sign in, and what its answer has to match. */
export async function beginSignIn() {
  const configuration = await identityProvider();
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: config.redirectUri,
    scope: config.scope,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  });
  return { url: url.href, checks };
}

/** Turns the answer into a person; throws when anything does not match. */
export async function finishSignIn(answerUrl, checks) {
  const configuration = await identityProvider();
  const tokens = await client.authorizationCodeGrant(configuration, answerUrl, {
    ...checks,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const userInfo = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
  return { idToken: tokens.id_token, claims, userInfo };
}

/** Where to send the browser to be signed out everywhere. */
export async function signOutUrl(idToken) {
  const configuration = await identityProvider();
  return client.buildEndSessionUrl(configuration, {
    id_token_hint: idToken,
    post_logout_redirect_uri: config.afterSignOut,
  }).href;
}
