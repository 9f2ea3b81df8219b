// Keeps the page for flight mode: all parts of one build, by their content. The build puts a line before this file:
//   const PARTS = { "app.js": "sha256-…", … };
// so that a new build is a new service worker to the browser.

// One store for all builds: what did not change is neither fetched nor kept again.
const STORE = "wattage-parts";
const key = (hash) => new Request(new URL(`kept/${encodeURIComponent(hash)}`, registration.scope));

addEventListener("install", (event) => event.waitUntil(keepAll()));
addEventListener("activate", (event) => event.waitUntil(dropOthers()));
addEventListener("fetch", (event) => {
  const part = partOf(event.request);
  if (part) event.respondWith(answer(event.request, part));
});
// A new build waits until no old page is open, or until the visitor has had enough of the old one.
addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});

// Layers for other bases are kept when they are used first.
const early = (path) => !path.startsWith("models/") || path.startsWith("models/wattage-tiny/");

async function keepAll() {
  const store = await caches.open(STORE);
  for (const path of Object.keys(PARTS).filter(early)) await keep(store, path);
}

async function keep(store, path) {
  const hash = PARTS[path];
  const kept = await store.match(key(hash));
  if (kept) return kept;
  // The browser compares the bytes with the hash: what another build or a broken network left is refused, and the
  // installation with it. The page works on from the network, and the next visit tries again.
  const part = await fetch(new URL(path, registration.scope), { cache: "no-cache", integrity: hash });
  if (!part.ok) throw new Error(`${path}: ${part.status}`);
  await store.put(key(hash), part);
  return store.match(key(hash));
}

async function dropOthers() {
  const store = await caches.open(STORE);
  const wanted = new Set(Object.values(PARTS).map((hash) => key(hash).url));
  for (const kept of await store.keys()) if (!wanted.has(kept.url)) await store.delete(kept);
}

// Which part of the build a request is for; none for any other, which the browser then fetches itself.
function partOf(request) {
  if (request.method !== "GET" || !request.url.startsWith(registration.scope)) return;
  const path = new URL(request.url).pathname.slice(new URL(registration.scope).pathname.length);
  const name = path === "" ? "index.html" : decodeURI(path);
  return Object.hasOwn(PARTS, name) ? name : undefined;
}

async function answer(request, name) {
  let kept;
  try {
    // A browser that is short of space may have dropped it, and may have no room for it again.
    kept = await keep(await caches.open(STORE), name);
  } catch {
    return fetch(request);
  }
  const range = request.headers.get("range");
  return range ? partial(kept, range) : kept;
}

// The engine reads models by ranges: "bytes=first-last" (RFC 9110, section 14). Others are answered whole, as that allows.
async function partial(whole, range) {
  const [, first, last] = range.match(/^bytes=(\d*)-(\d*)$/) ?? ["", "", ""];
  if (first + last === "") return whole;
  const blob = await whole.blob();
  const end = blob.size - 1;
  // "bytes=-n" are the last n.
  const from = first === "" ? Math.max(0, blob.size - Number(last)) : Number(first);
  const to = first === "" || last === "" ? end : Math.min(end, Number(last));
  if (from > to) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${blob.size}` } });
  }
  const headers = new Headers(whole.headers);
  headers.set("content-range", `bytes ${from}-${to}/${blob.size}`);
  headers.set("content-length", `${to - from + 1}`);
  return new Response(blob.slice(from, to + 1), { status: 206, headers });
}
