import { render } from "preact";
import { App } from "./app.js";
import { readSettings } from "./session/settings.js";
import { createSession } from "./session/session.js";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/tiles.css";
import "./styles/lists.css";
import "./styles/map.css";
import "./styles/dialogs.css";
import "./styles/create.css";
import "./styles/print.css";

const root = document.getElementById("page");
if (root === null) throw new TypeError("index.html has no #page.");
try {
  const settings = await readSettings();
  const session = createSession(settings.signIn);
  await session.start();
  render(<App session={session} />, root);
} catch (error) {
  render(
    <p role="alert">The page could not be started. Reload it in a moment. {String(error)}</p>,
    root,
  );
}
