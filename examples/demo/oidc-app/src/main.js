// A web application that signs people in by OpenID Connect.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { config } from "./config.js";
import { redirect, sendFile, sendPage } from "../../shared/http.js";
import * as oidc from "./oidc.js";
import * as pages from "./pages.js";
import { Shelf, cookie, noCookie, readCookie } from "../../shared/sessions.js";

// Named after the application: cookies do not tell ports of one host apart.
const SESSION = "notebook-session";
const SIGN_IN = "notebook-sign-in";

const style = ["colours.css", "../../shared/style.css"]
  .map((file) => readFileSync(new URL(file, import.meta.url)))
  .join("\n");
const sessions = new Shelf();
// Sign-ins under way: what the answer has to match, named by a cookie of the browser.
const begun = new Shelf(10 * 60 * 1000);

const routes = {
  "GET /": home,
  "GET /style.css": (_, response) => sendFile(response, "text/css; charset=utf-8", style),
  "GET /sign-in": beginSignIn,
  "GET /callback": finishSignIn,
  "POST /sign-out": signOut,
  "GET /signed-out": (_, response) => sendPage(response, 200, pages.signedOut()),
};

function home(request, response) {
  const session = sessions.get(readCookie(request, SESSION));
  sendPage(response, 200, session ? pages.signedIn(session) : pages.welcome(), {
    // The button "Sign out everywhere" ends in a redirect to the identity provider, which
    // Chromium counts as a target of the form.
    "content-security-policy": `default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${config.issuer.origin}`,
  });
}

async function beginSignIn(_, response) {
  const { url, checks } = await oidc.beginSignIn();
  redirect(response, url, [cookie(SIGN_IN, begun.put(checks))]);
}

/** The answer of the identity provider, for the browser that asked. */
async function finishSignIn(request, response) {
  const checks = begun.take(readCookie(request, SIGN_IN));
  if (!checks) {
    throw new Error("no sign-in was started in this browser");
  }
  const session = await oidc.finishSignIn(new URL(request.url, config.baseUrl), checks);
  redirect(response, "/", [cookie(SESSION, sessions.put(session)), noCookie(SIGN_IN)]);
}

/** Ends the session here, then at the identity provider. */
async function signOut(request, response) {
  const session = sessions.take(readCookie(request, SESSION));
  const next = session ? await oidc.signOutUrl(session.idToken) : "/signed-out";
  redirect(response, next, [noCookie(SESSION)]);
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
    console.error(`${request.method} ${pathname}: ${error.stack ?? error}`, error.cause ?? "");
    sendPage(response, 403, pages.failed(explain(error)));
  }
}

/** In words, where the identity provider's error is one that people meet. */
function explain(error) {
  if (error.error === "access_denied") return "The sign-in was cancelled.";
  return error.error_description ?? error.error ?? error.message;
}

createServer(answer).listen(config.port, "127.0.0.1", () => {
  console.log(`Notebook (OpenID Connect) on ${config.baseUrl}`);
});
