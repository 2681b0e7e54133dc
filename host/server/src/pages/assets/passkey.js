// The ceremony of a page: asks the browser for a passkey when the person sends the form, and sends its
// answer with it. Without this script the form still goes, with an empty answer, and is told so.
"use strict";

const ceremony = document.querySelector("[data-ceremony]");
const form = ceremony.closest("form");
const answer = ceremony.querySelector("input");
const status = ceremony.querySelector("[role=status]");
const begin = form.querySelector("button[value=sign-in]");
const texts = ceremony.dataset;
let running = false;

form.addEventListener("submit", (event) => {
  if (event.submitter !== begin || answer.value) return;
  event.preventDefault();
  if (!running) run();
});

// A page that comes back from the browser's memory begins anew.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) answer.value = "";
});

async function run() {
  if (!window.PublicKeyCredential || !navigator.credentials) {
    tell(texts.unsupported, true);
    return;
  }
  running = true;
  begin.setAttribute("aria-disabled", "true");
  tell(texts.waiting, false);
  try {
    const options = read(JSON.parse(texts.options));
    const credential =
      texts.ceremony === "create"
        ? await navigator.credentials.create({ publicKey: options })
        : await navigator.credentials.get({ publicKey: options });
    answer.value = JSON.stringify(written(credential));
    form.requestSubmit(begin);
  } catch (error) {
    tell(reason(error), true);
    begin.textContent = texts.again;
  } finally {
    running = false;
    begin.removeAttribute("aria-disabled");
  }
}

function tell(text, isBad) {
  status.classList.toggle("alert", isBad);
  status.textContent = text;
}

function reason(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return texts.refused;
    case "InvalidStateError":
      return texts.known;
    case "NotSupportedError":
      return texts.unsupported;
    default:
      return texts.failed;
  }
}

/** The options with bytes where JSON has base64url. */
function read(options) {
  const described = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
  const { challenge, user, excludeCredentials, allowCredentials, ...rest } = options;
  const result = { ...rest, challenge: bytes(challenge) };
  if (user) result.user = { ...user, id: bytes(user.id) };
  if (excludeCredentials) result.excludeCredentials = described(excludeCredentials);
  if (allowCredentials) result.allowCredentials = described(allowCredentials);
  return result;
}

/** The answer with base64url where the browser has bytes. */
function written(credential) {
  const { response } = credential;
  const result = { clientDataJSON: text(response.clientDataJSON) };
  if (texts.ceremony === "create") {
    result.attestationObject = text(response.attestationObject);
    result.transports = response.getTransports?.() ?? [];
  } else {
    result.authenticatorData = text(response.authenticatorData);
    result.signature = text(response.signature);
    result.userHandle = response.userHandle?.byteLength ? text(response.userHandle) : null;
  }
  return { id: text(credential.rawId), type: credential.type, response: result };
}

function bytes(base64url) {
  const base64 = base64url.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
