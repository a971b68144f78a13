import type { ComponentChildren } from "preact";
import { Menu } from "./components/menu.js";
import { Search } from "./search.js";
import { useClient, useMay, useSession } from "./context.js";
import { useLive } from "./live.js";
import { Link } from "./navigation.js";
import { readRejected } from "./rejected.js";
import type { Route } from "./routes.js";
import { useStore } from "./store.js";

const PLACES: readonly {
  readonly name: string;
  readonly to: Route;
  readonly views: readonly Route["view"][];
}[] = [
  {
    name: "Overview",
    to: { view: "home" },
    views: ["home", "gallery", "image", "version", "create", "retention"],
  },
  {
    name: "Operations",
    to: { view: "operations" },
    views: ["operations", "operation"],
  },
  { name: "Keys", to: { view: "keys" }, views: ["keys"] },
  { name: "Rejected", to: { view: "rejected" }, views: ["rejected"] },
];

/** The frame of every view: the place, and the person. */
export function Frame({
  route,
  children,
}: {
  readonly route: Route;
  readonly children: ComponentChildren;
}) {
  const state = useStore(useSession().state);
  const isKnown = "person" in state;
  const mayAdmin = useMay("Admin");
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <Link to={{ view: "home" }} class="brand">
          <Mark />
          Sigil
        </Link>
        <nav aria-label="Sigil">
          {isKnown &&
            PLACES.filter(({ name }) => name !== "Rejected" || mayAdmin).map(
              ({ name, to, views }) => (
                <Link key={name} to={to} current={views.includes(route.view)}>
                  {name}
                  {name === "Rejected" && <RejectedCount />}
                </Link>
              ),
            )}
        </nav>
        {isKnown && <Search />}
        <Who />
      </header>
      <Expired />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** A seal around an image's tile, with a keyhole. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M12.3 2.2A5.6 5.6 0 0 1 19.7 2.2A5.6 5.6 0 0 1 26.1 5.9A5.6 5.6 0 0 1 29.8 12.3A5.6 5.6 0 0 1 29.8 19.7A5.6 5.6 0 0 1 26.1 26.1A5.6 5.6 0 0 1 19.7 29.8A5.6 5.6 0 0 1 12.3 29.8A5.6 5.6 0 0 1 5.9 26.1A5.6 5.6 0 0 1 2.2 19.7A5.6 5.6 0 0 1 2.2 12.3A5.6 5.6 0 0 1 5.9 5.9A5.6 5.6 0 0 1 12.3 2.2Z" />
      <path
        class="mark-tile"
        transform="translate(-1.6 -1.6) scale(1.1)"
        fill-rule="evenodd"
        d="M11.3 8.3h9.4a3 3 0 0 1 3 3v9.4a3 3 0 0 1-3 3h-9.4a3 3 0 0 1-3-3v-9.4a3 3 0 0 1 3-3zM16 11a3.3 3.3 0 0 0-1.5 6.2l-.8 3.8h4.6l-.8-3.8A3.3 3.3 0 0 0 16 11z"
      />
    </svg>
  );
}

const REJECTED_EVERY_MS = 60_000;

/** How many wait to be corrected. */
function RejectedCount() {
  const client = useClient();
  const { value = 0 } = useLive<number>(
    "rejected count",
    async (_, signal) => (await readRejected(client, signal)).value.length,
    () => REJECTED_EVERY_MS,
  );
  return value === 0 ? null : <span class="tag">{value}</span>;
}

function Who() {
  const session = useSession();
  const state = useStore(session.state);
  if (!("person" in state)) return null;
  const { name, roles } = state.person;
  const role = roles.at(-1) ?? "no role";
  return (
    <Menu label={`${name}, ${role}`} class="who" text={initials(name)}>
      <p>
        {name} <span class="tag">{role}</span>
      </p>
      <hr />
      <button type="button" onClick={() => void session.signOut()}>
        Sign out
      </button>
    </Menu>
  );
}

function initials(name: string): string {
  return name
    .split(/[\s._@-]+/u)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join("");
}

function Expired() {
  const session = useSession();
  const state = useStore(session.state);
  return (
    <div role="alert">
      {state.kind === "expired" && (
        <div class="banner">
          <span>The sign-in has ended. What is shown stays, and is not updated. {state.error}</span>
          <button type="button" onClick={() => void session.signIn()}>
            Sign in
          </button>
        </div>
      )}
    </div>
  );
}
