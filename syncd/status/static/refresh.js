// Keeps an open page up to date without a flash: fetches it again and swaps its main part.
"use strict";
const EVERY = 15000;

async function refresh() {
  if (document.hidden || String(getSelection())) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["main", "footer"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
    document.title = fresh.title;
    document.body.classList.remove("is-stale");
  } catch {
    document.body.classList.add("is-stale");
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
