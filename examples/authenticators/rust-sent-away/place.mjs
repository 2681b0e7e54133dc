// A place to try it with: it believes everybody, and its tickets can be made by anybody.
//
//   node place.mjs PORT SECRET-FILE [CERTIFICATE-FILE KEY-FILE]

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const [port, secretFile, certificate, key] = process.argv.slice(2);
const secret = readFileSync(secretFile, "utf8").trim();

function page(response, status, type, text) {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(text);
}

/** The page on which people sign in: whatever they type is who they are. It keeps no sessions, so that `anew` is
 *  always kept to; a place that has some goes past them for it, and says so in its ticket. */
function signIn(request, url, response, sent) {
  if (request.method !== "POST") {
    const form = '<form method="post"><label>Who are you? <input name="username"></label> <button>Sign in</button></form>';
    return page(response, 200, "text/html", `<!doctype html><title>The club</title><h1>The club</h1>${form}`);
  }
  const back = new URL(url.searchParams.get("back"));
  back.searchParams.set("state", url.searchParams.get("state"));
  back.searchParams.set("ticket", `${sent.get("username")}.${url.searchParams.get("nonce")}.${url.searchParams.get("anew")}`);
  response.writeHead(303, { location: back.href });
  return response.end();
}

/** Whose a ticket is: for those who know the secret. */
function tickets(request, response, sent) {
  if (request.headers.authorization !== `Bearer ${secret}`) return page(response, 401, "text/plain", "who asks?");
  const [username, nonce, anew] = (sent.get("ticket") ?? "").split(".");
  if (!username || !nonce) return page(response, 404, "text/plain", "no such ticket");
  const member = { number: `member-${username}`, username, nonce, anew: anew === "true" };
  return page(response, 200, "application/json", JSON.stringify(member));
}

function answer(request, response) {
  const url = new URL(request.url, "http://place");
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const sent = new URLSearchParams(body);
    if (url.pathname === "/sign-in") return signIn(request, url, response, sent);
    if (url.pathname === "/tickets" && request.method === "POST") return tickets(request, response, sent);
    return page(response, 404, "text/plain", "nothing here");
  });
}

const server = certificate
  ? https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
  : http.createServer(answer);
server.listen(Number(port), "127.0.0.1");
