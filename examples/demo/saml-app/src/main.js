// A web application that signs people in by SAML 2.0.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { SamlStatusError } from "@node-saml/node-saml";

import { config } from "./config.js";
import { readForm, redirect, sendFile, sendPage } from "../../shared/http.js";
import * as pages from "./pages.js";
import { metadata, readResponse, signInUrl } from "./saml.js";
import { Shelf, cookie, noCookie, readCookie } from "../../shared/sessions.js";

// Named after the application: cookies do not tell ports of one host apart.
const SESSION = "timesheets-session";
const SIGN_IN = "timesheets-sign-in";

const style = ["colours.css", "../../shared/style.css"]
  .map((file) => readFileSync(new URL(file, import.meta.url)))
  .join("\n");
const sessions = new Shelf();
// Answers that are good, but not yet known to belong to the browser that brought them.
const arrivals = new Shelf(60 * 1000);

const routes = {
  "GET /": home,
  "GET /style.css": (_, response) => sendFile(response, "text/css; charset=utf-8", style),
  "GET /metadata": (_, response) =>
    sendFile(response, "application/samlmetadata+xml", metadata()),
  "GET /sign-in": beginSignIn,
  "POST /saml/acs": consumeAssertion,
  "GET /welcome": finishSignIn,
  "POST /sign-out": signOut,
};

function home(request, response) {
  const person = sessions.get(readCookie(request, SESSION));
  const justNow = request.url.endsWith("?signed-out");
  sendPage(response, 200, person ? pages.signedIn(person) : pages.signedOut({ justNow }));
}

/** Sends the person to the identity provider and remembers in the browser that it was this one. */
async function beginSignIn(_, response) {
  const relayState = randomBytes(16).toString("base64url");
  redirect(response, await signInUrl(relayState), [cookie(SIGN_IN, relayState)]);
}

/**
 * The identity provider's answer, posted by the browser from another site: SameSite keeps our
 * cookies back, so that whose answer it is shows one redirect later.
 */
async function consumeAssertion(request, response) {
  const form = await readForm(request);
  const profile = await readResponse(form);
  const arrival = arrivals.put({ profile, relayState: form.get("RelayState") ?? "" });
  redirect(response, `/welcome?arrival=${arrival}`);
}

/** Refuses an answer to another browser's question: nobody is signed in as somebody else. */
function finishSignIn(request, response) {
  const query = new URL(request.url, config.baseUrl).searchParams;
  const arrival = arrivals.take(query.get("arrival"));
  const asked = readCookie(request, SIGN_IN);
  if (!arrival || !asked || !same(arrival.relayState, asked)) {
    throw new Error("the answer does not belong to a sign-in that was started in this browser");
  }
  const session = sessions.put(person(arrival.profile));
  redirect(response, "/", [cookie(SESSION, session), noCookie(SIGN_IN)]);
}

function signOut(request, response) {
  sessions.take(readCookie(request, SESSION));
  redirect(response, "/?signed-out", [noCookie(SESSION)]);
}

function person(profile) {
  const attributes = profile.attributes ?? {};
  const given = attributes.givenName ?? attributes.given_name;
  const family = attributes.sn ?? attributes.surname ?? attributes.family_name;
  const name = attributes.displayName ?? attributes.name ?? [given, family].filter(Boolean).join(" ");
  return {
    person: name || profile.nameID,
    nameId: profile.nameID,
    nameIdFormat: profile.nameIDFormat,
    identityProvider: profile.issuer,
    attributes,
  };
}

function same(left, right) {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, config.baseUrl);
  const route = routes[`${request.method} ${pathname}`];
  if (!route) {
    sendPage(response, 404, pages.notFound());
    return;
  }
  try {
    await route(request, response);
  } catch (error) {
    console.error(`${request.method} ${pathname}: ${error.stack ?? error}`);
    sendPage(response, 403, pages.failed(explain(error)));
  }
}

/** In words, where the identity provider's status is one that people meet. */
function explain(error) {
  const turnedDown = error instanceof SamlStatusError && /RequestDenied|AuthnFailed/.test(error.message);
  return turnedDown ? "The sign-in was cancelled." : error.message;
}

createServer(answer).listen(config.port, "127.0.0.1", () => {
  console.log(`Timesheets (SAML) on ${config.baseUrl}`);
});
