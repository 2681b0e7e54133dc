// What every page owes a person who does not see it, does not use a mouse, or holds a telephone.

import assert from "node:assert/strict";

/** Checks the page as it is shown now. */
export async function accessible(page, where) {
  const problems = await page.evaluate(findProblems);
  assert.deepEqual(problems, [], `accessibility of ${where} (${page.url()})`);
}

/** Runs in the page. WCAG 2.2, level AA, as far as a machine can tell. */
function findProblems() {
  const problems = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const label = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 100);

  if (!document.documentElement.lang) problems.push("html has no lang (3.1.1)");
  if (!document.title.trim()) problems.push("the page has no title (2.4.2)");
  if (!document.querySelector('meta[name="viewport"]')) problems.push("no viewport: unreadable on a telephone");
  if (all("main").length !== 1) problems.push("not exactly one main (1.3.1)");
  if (all("h1").length !== 1) problems.push("not exactly one h1 (1.3.1)");

  for (const image of document.images) {
    if (!image.hasAttribute("alt")) problems.push(`image without alt (1.1.1): ${label(image)}`);
  }
  for (const field of all('input:not([type="hidden"]), select, textarea')) {
    const named = [...(field.labels ?? [])].some((one) => shown(one) && one.textContent.trim());
    if (!named) problems.push(`field without a visible label (3.3.2): ${label(field)}`);
    if (field.type === "password" && !field.autocomplete.includes("password")) {
      problems.push(`password field without autocomplete (1.3.5): ${label(field)}`);
    }
  }
  for (const control of all("button, a[href]")) {
    const name = control.textContent.trim() || control.getAttribute("aria-label");
    if (!name) problems.push(`control without a name (4.1.2): ${label(control)}`);
  }
  for (const element of document.querySelectorAll("[tabindex]")) {
    if (element.tabIndex > 0) problems.push(`focus order is forced (2.4.3): ${label(element)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((one, index) => ids.indexOf(one) !== index)) {
    problems.push(`the id ${id} stands there twice (4.1.1)`);
  }
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const named = `${element.getAttribute("aria-describedby") ?? ""} ${element.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of named.trim().split(/\s+/)) {
      if (!document.getElementById(id)) problems.push(`${id} is referred to and does not exist: ${label(element)}`);
    }
  }
  const width = document.scrollingElement.scrollWidth;
  if (width > window.innerWidth) {
    problems.push(`scrolls sideways (1.4.10): ${width} on ${window.innerWidth} pixels`);
  }
  for (const control of all("button, input:not([type=hidden])")) {
    const box = control.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) problems.push(`too small to hit (2.5.8): ${label(control)}`);
  }

  // 1.4.3: text against the first background behind it that is not see-through.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      // A gradient or a picture has no single colour.
      if (style.backgroundImage !== "none") return undefined;
      const colour = rgba(style.backgroundColor);
      if (colour[3] === 255) return colour;
    }
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return dark ? [18, 18, 18, 255] : [255, 255, 255, 255];
  };
  for (const element of all("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const box = element.getBoundingClientRect();
    // What waits outside the picture, such as a skip link without focus, is not read.
    if (!text || box.bottom <= 0 || box.right <= 0 || box.width <= 1) continue;
    const behind = background(element);
    if (!behind) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [luminance(rgba(style.color)), luminance(behind)].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      problems.push(`contrast ${ratio.toFixed(2)} (1.4.3): ${label(element)}`);
    }
  }
  return problems;
}

/** Walks the page with the Tab key: what can be operated is reached once, in reading order. */
export async function focusOrder(page) {
  const expected = await page.evaluate(countOperable);
  const reached = [];
  // Once round: from wherever the focus is, past the end of the page (no element: -1).
  for (let press = 0; press <= expected; press += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(describeFocus));
  }
  const controls = reached.filter(({ index }) => index >= 0).slice(0, expected);
  const order = controls.map(({ index }) => index);
  const first = order.indexOf(0);
  assert.deepEqual(
    [...order.slice(first), ...order.slice(0, first)],
    Array.from({ length: expected }, (_, index) => index),
    `Tab reaches everything once, in reading order, at ${page.url()}: ${JSON.stringify(reached)}`,
  );
  const unmarked = controls.filter(({ marked }) => !marked);
  assert.deepEqual(unmarked, [], `the focus can be seen everywhere at ${page.url()} (2.4.7)`);
}

function countOperable() {
  const operable = 'a[href], button, input:not([type="hidden"]), select, textarea';
  return [...document.querySelectorAll(operable)].filter((element) => element.checkVisibility()).length;
}

function describeFocus() {
  const operable = 'a[href], button, input:not([type="hidden"]), select, textarea';
  const order = [...document.querySelectorAll(operable)].filter((element) => element.checkVisibility());
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return { index: order.indexOf(at), marked, what: at.outerHTML.slice(0, 80) };
}
