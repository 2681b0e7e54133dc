// What passport-wsfed-saml2 sends as a relying party of WS-Federation and as a service provider of SAML.
// CAPTURE is the world as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { Strategy } = require("passport-wsfed-saml2");
const { version } = JSON.parse(readFileSync("node_modules/passport-wsfed-saml2/package.json", "utf8"));
const world = JSON.parse(process.env.CAPTURE);
const origin = new URL(world.destination).origin;
const found = [];

/** Where the strategy sends a browser that asks for a page which wants a sign-in. */
function sent(options, authenticateOptions = {}) {
  return new Promise((resolve, reject) => {
    const strategy = new Strategy({ cert: readFileSync(world.certificateFile, "utf8"), ...options }, () => {});
    Object.assign(strategy, { redirect: resolve, error: reject, fail: reject });
    const request = { query: {}, body: {}, headers: { host: "app.example.com" }, method: "GET", url: "/page" };
    strategy.authenticate(request, authenticateOptions);
  });
}

function request(url) {
  const { pathname, search } = new URL(url);
  return { method: "GET", target: pathname + search, headers: [], body: "" };
}

async function wsfed(name, how, why, rule, options, authenticateOptions) {
  const given = { realm: "urn:example:app", homeRealm: "", identityProviderUrl: `${origin}/passivests`, ...options };
  const url = await sent(given, authenticateOptions);
  found.push({ name: `passport-wsfed-${name}`, from: `passport-wsfed-saml2 ${version}, ${how}`, why, rule, issuer: origin, request: request(url) });
}

async function saml(name, how, why, options, authenticateOptions) {
  const given = { protocol: "samlp", realm: "https://unsigned.example.com/metadata", identityProviderUrl: world.destination, ...options };
  const url = await sent(given, authenticateOptions);
  found.push({ name: `passport-wsfed-${name}`, from: `passport-wsfed-saml2 ${version}, ${how}`, why, rule: "saml", url });
}

await wsfed("sign-in", "wsignin1.0", "Its plain sign-in.", "wsfed", {});
await wsfed("sign-in-reply", "wsignin1.0", "A reply address.", "wsfed", { wreply: "https://app.example.com/wsfed" });
await wsfed("sign-in-context", "wsignin1.0", "A context that comes back unchanged.", "wsfed", {}, { wctx: "rm=0&id=passive&ru=/page?a=b" });
await wsfed("sign-in-reply-context", "wsignin1.0", "Both of them.", "wsfed", { wreply: "https://app.example.com/wsfed/second" }, { wctx: "/ä b" });
await wsfed("sign-in-home-realm", "wsignin1.0", "A home realm.", "wsfed-open", { homeRealm: "https://partner.example.com/" });
await wsfed("sign-in-fresh", "wsignin1.0", "A sign-in that has to be new.", "wsfed", {}, { wfresh: "0" });
await saml("redirect", "Redirect, unsigned", "Its plain AuthnRequest.", {});
await saml("redirect-relay-state", "Redirect, unsigned", "RelayState in the query.", {}, { RelayState: "/page?a=b" });
console.log(JSON.stringify(found));
