// What openid-client and oauth4webapi send as relying parties. CAPTURE is the world as JSON.
// A server on loopback plays the provider, and notes what arrives.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import * as client from "openid-client";
import * as oauth from "oauth4webapi";

const versionOf = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version;
const world = JSON.parse(process.env.CAPTURE);
const found = [];
let last;

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    last = { method: request.method, target: request.url, headers: request.rawHeaders, body };
    response.setHeader("content-type", "application/json");
    const path = request.url.split("?")[0];
    if (path === "/oauth2/jwks") return response.end('{"keys":[]}');
    if (path === "/.well-known/openid-configuration") return response.end(JSON.stringify(metadata()));
    if (path === "/oauth2/userinfo") return response.end('{"sub":"person-1"}');
    response.end('{"access_token":"a","token_type":"bearer","expires_in":300}');
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

function metadata() {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    userinfo_endpoint: `${issuer}/oauth2/userinfo`,
    end_session_endpoint: `${issuer}/oidc/logout`,
    jwks_uri: `${issuer}/oauth2/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256", "ES256", "EdDSA"],
  };
}

function software(name) {
  const from = `${name} ${versionOf(name)}`;
  return (what, how, why, rule, request) =>
    found.push({ name: `${name}-${what}`, from: `${from}, ${how}`, why, rule, issuer, ...request });
}

const keys = {};
for (const [algorithm, parameters] of [
  ["ES256", { name: "ECDSA", namedCurve: "P-256" }],
  ["RS256", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }],
  ["EdDSA", { name: "Ed25519" }],
]) {
  keys[algorithm] = (await crypto.subtle.generateKey(parameters, true, ["sign", "verify"])).privateKey;
}
const KEY_IDS = { ES256: "client-ec", RS256: "client-rsa", EdDSA: "client-ed" };

// ---- openid-client
{
  const add = software("openid-client");
  const insecure = { execute: [client.allowInsecureRequests] };
  const party = (id, authentication, more) =>
    client.discovery(new URL(issuer), id, { ...more }, authentication, insecure);
  const verifier = client.randomPKCECodeVerifier();
  const proof = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
  const publicClient = await party("public-client", client.None());
  const confidential = await party("confidential-client", client.ClientSecretBasic("a secret for vectors only"));
  const posting = await party("post-client", client.ClientSecretPost("another secret for vectors only"));

  await client.fetchUserInfo(publicClient, "x", client.skipSubjectCheck);
  const bearer = last;
  await party("public-client", client.None());
  add("discovery", "discovery", "The discovery document is fetched.", "endpoint", { request: last });

  const authorize = (what, how, why, provider, parameters) => {
    const redirect_uri = { "public-client": "https://public.example.com/callback", "confidential-client": "https://confidential.example.com/callback", "post-client": "https://post.example.com/callback" }[
      provider.clientMetadata().client_id
    ];
    const url = client.buildAuthorizationUrl(provider, { redirect_uri, scope: "openid", ...parameters });
    add(what, how, why, "authorization-request", { request: { method: "GET", target: url.pathname + url.search, headers: [], body: "" } });
  };
  const state = client.randomState();
  const nonce = client.randomNonce();
  authorize("authorize-public", "code, PKCE", "A public client with PKCE, state and nonce.", publicClient, { ...proof, state, nonce });
  authorize("authorize-public-plain-state", "code, PKCE", "State that is a URL.", publicClient, { ...proof, state: "https://public.example.com/app?a=b&c=d" });
  authorize("authorize-offline", "code, PKCE", "A refresh token is asked for.", publicClient, { ...proof, state, scope: "openid offline_access", prompt: "consent" });
  authorize("authorize-confidential", "code", "A confidential client.", confidential, { state, nonce });
  authorize("authorize-confidential-pkce", "code, PKCE", "A confidential client with PKCE.", confidential, { ...proof, state, nonce });
  authorize("authorize-login", "code, PKCE", "Sign-in is demanded.", publicClient, { ...proof, state, prompt: "login", max_age: "0" });
  authorize("authorize-hints", "code, PKCE", "Hints of who signs in and how.", publicClient, { ...proof, state, login_hint: "alice@example.com", ui_locales: "de en", acr_values: "urn:example:silver" });
  authorize("authorize-form-post", "code, PKCE, form_post", "The answer in a form.", publicClient, { ...proof, state, nonce, response_mode: "form_post" });
  authorize("authorize-post-client", "code", "Another client asks.", posting, { state, nonce });

  await client.clientCredentialsGrant(confidential, { scope: "orders.read" });
  add("client-credentials-basic", "client_secret_basic", "Client credentials.", "token-request", { request: last });
  await client.clientCredentialsGrant(confidential);
  add("client-credentials-no-scope", "client_secret_basic", "Client credentials without a scope.", "token-request", { request: last });
  await client.tokenRevocation(confidential, "unknown");
  add("revoke-basic", "client_secret_basic", "A token is revoked.", "client-authentication", { request: last });
  await client.tokenRevocation(posting, "unknown", { token_type_hint: "refresh_token" });
  add("revoke-post", "client_secret_post", "A token is revoked.", "client-authentication", { request: last });
  await client.tokenRevocation(publicClient, "unknown");
  add("revoke-public", "none", "A revocation by a public client.", "client-authentication", { request: last });
  for (const algorithm of Object.keys(keys)) {
    const own = await party("jwt-client", client.PrivateKeyJwt({ key: keys[algorithm], kid: KEY_IDS[algorithm] }));
    await client.tokenRevocation(own, "unknown");
    add(`revoke-private-key-jwt-${algorithm.toLowerCase()}`, `private_key_jwt, ${algorithm}`, "A client's assertion.", "client-authentication", { request: last, assertion: KEY_IDS[algorithm] });
    await client.clientCredentialsGrant(own, { scope: "orders.read" });
    add(`client-credentials-private-key-jwt-${algorithm.toLowerCase()}`, `private_key_jwt, ${algorithm}`, "Client credentials with an assertion.", "token-request", { request: last, assertion: KEY_IDS[algorithm] });
  }
  const resource = async (what, why, key, method) => {
    await client.fetchProtectedResource(publicClient, "TOKEN", new URL(`${issuer}/orders/1`), method);
    add(what, "Bearer", why, "access-token", { request: last, token: key });
  };
  await resource("resource-ec", "A resource with an access token.", "idp-ec", "GET");
  await resource("resource-rsa", "The same with RSA.", "idp-rsa", "GET");
  await resource("resource-ed", "The same with Ed25519.", "idp-ed", "GET");
  const out = (what, why, parameters) => {
    const url = client.buildEndSessionUrl(publicClient, parameters);
    add(what, "logout", why, "logout-request", { request: { method: "GET", target: url.pathname + url.search, headers: [], body: "" } });
  };
  out("logout", "Sign-out without a hint.", {});
  out("logout-redirect", "Sign-out, and a way back.", { post_logout_redirect_uri: "https://public.example.com/bye", state });
  void bearer;
}

// ---- oauth4webapi
{
  const add = software("oauth4webapi");
  const options = { [oauth.allowInsecureRequests]: true };
  const discovery = await oauth.discoveryRequest(new URL(issuer), options);
  add("discovery", "discovery", "The discovery document is fetched.", "endpoint", { request: last });
  const server_ = await oauth.processDiscoveryResponse(new URL(issuer), discovery);
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(server_.authorization_endpoint);
  for (const [name, value] of Object.entries({
    client_id: "public-client", redirect_uri: "https://public.example.com/callback", response_type: "code", scope: "openid email",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(),
  })) url.searchParams.set(name, value);
  add("authorize-public", "code, PKCE", "As its documentation makes it.", "authorization-request", { request: { method: "GET", target: url.pathname + url.search, headers: [], body: "" } });
  const basic = oauth.ClientSecretBasic("a secret for vectors only");
  const confidential = { client_id: "confidential-client" };
  await oauth.clientCredentialsGrantRequest(server_, confidential, basic, { scope: "orders.read" }, options);
  add("client-credentials-basic", "client_secret_basic", "Client credentials.", "token-request", { request: last });
  await oauth.revocationRequest(server_, confidential, basic, "unknown", options);
  add("revoke-basic", "client_secret_basic", "A token is revoked.", "client-authentication", { request: last });
  await oauth.revocationRequest(server_, { client_id: "post-client" }, oauth.ClientSecretPost("another secret for vectors only"), "unknown", options);
  add("revoke-post", "client_secret_post", "A token is revoked.", "client-authentication", { request: last });
  await oauth.revocationRequest(server_, { client_id: "public-client" }, oauth.None(), "unknown", options);
  add("revoke-public", "none", "A revocation by a public client.", "client-authentication", { request: last });
  for (const algorithm of Object.keys(keys)) {
    const assertion = oauth.PrivateKeyJwt({ key: keys[algorithm], kid: KEY_IDS[algorithm] });
    await oauth.revocationRequest(server_, { client_id: "jwt-client" }, assertion, "unknown", options);
    add(`revoke-private-key-jwt-${algorithm.toLowerCase()}`, `private_key_jwt, ${algorithm}`, "A client's assertion.", "client-authentication", { request: last, assertion: KEY_IDS[algorithm] });
  }
  for (const [key, algorithm] of [["idp-ec", "ES256"], ["idp-rsa", "RS256"]]) {
    await oauth.protectedResourceRequest("TOKEN", "GET", new URL(`${issuer}/orders/1`), undefined, undefined, options);
    add(`resource-${algorithm.toLowerCase()}`, "Bearer", "A resource with an access token.", "access-token", { request: last, token: key });
  }
}
server.close();
server.closeAllConnections();
process.stdout.write(JSON.stringify(found));
