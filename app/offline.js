// Has the browser keep the page for use without a network, and tells the page of it: an event "wattage-offline" on the window,
// whose detail is `[what there is to say, whether a newer build waits]`. A file of its own, so that it works before the page's own
// code has arrived, and without it.

// How long after its start the page begins to keep itself: what the visitor waits for comes first.
const AFTER_MS = 2000;

let registration;
const say = (text, newer = false) => {
  window.wattageOffline = [text, newer];
  dispatchEvent(new CustomEvent("wattage-offline", { detail: window.wattageOffline }));
};
const refuse = (why) => say(`This page needs a network each time: ${why}.`);

function tell() {
  const { active, waiting, installing } = registration;
  if (active) say("This page and its embedded model work without a network.", Boolean(waiting));
  else if (waiting || installing) say("This page and its embedded model are being kept for use without a network.");
  else refuse("its parts could not all be fetched, and the next visit tries again");
}

function follow() {
  registration.installing?.addEventListener("statechange", tell);
  tell();
}

// The page asks for the newer build that waits: everything starts anew with it.
addEventListener("wattage-take-newer", () => {
  const { waiting } = registration;
  waiting.addEventListener("statechange", () => waiting.state === "activated" && location.reload());
  waiting.postMessage("take over");
});

export default async function keepOffline() {
  await new Promise((done) => setTimeout(done, AFTER_MS));
  if (location.protocol === "file:") return say("This page is a file on this computer. It needs no network.");
  // Missing where the page is not served securely.
  if (!navigator.serviceWorker) return refuse("this browser, or the way that it is served, allows no service worker");
  // What an earlier visit kept is there at once; asking for a newer build takes as long as the network does.
  const earlier = await navigator.serviceWorker.getRegistration();
  if (earlier) watch(earlier);
  try {
    const registered = await navigator.serviceWorker.register("service_worker.js");
    if (!earlier) watch(registered);
  } catch (error) {
    if (!earlier) refuse(error.message);
  }
}

function watch(found) {
  registration = found;
  registration.addEventListener("updatefound", follow);
  follow();
}
