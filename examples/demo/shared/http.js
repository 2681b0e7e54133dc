// The little that plain node:http lacks.

const MAX_BODY = 256 * 1024;

/** Reads a form that was posted. */
export async function readForm(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new Error("the form is too large");
    }
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

export function sendPage(response, status, html, extra = {}) {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    ...extra,
  });
  response.end(html);
}

export function sendFile(response, type, body) {
  response.writeHead(200, { "content-type": type, "x-content-type-options": "nosniff" });
  response.end(body);
}

/** Sends the browser on. */
export function redirect(response, location, cookies = []) {
  response.writeHead(303, {
    location,
    "set-cookie": cookies,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
  });
  response.end();
}
