// Starts the page. A file of its own, so that the page needs no inline script.
import start from "./app.js";
import keepOffline from "./offline.js";

// The colours that were chosen last, before the first of the page's own code has arrived.
try {
  const theme = localStorage.getItem("wattage.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing has nothing to restore.
}

start({ module_or_path: "./app_bg.wasm" }).catch((error) => {
  const state = document.getElementById("boot-state");
  if (!state) return;
  state.setAttribute("role", "alert");
  state.textContent = `The page could not start: ${error}. Reload it; if that does not help, try a current browser.`;
});

keepOffline();
